"""Deployment to Tencent SCF."""
