"""Deploy to Tencent SCF: plan, requests, API, and the order of calls."""
