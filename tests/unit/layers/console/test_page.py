"""What can be told of the page without a browser: its size, its names for every field, its contrast, and its script.

How it looks, and that the keyboard reaches everything, is not seen here.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from layers.console import site

FOLDER = Path(site.__file__).parent
HTML, SCRIPT, STYLE = ((FOLDER / name).read_text("utf-8") for name in ("page.html", "page.js", "page.css"))
COLOURS = dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", STYLE))

CHECKS = r"""
import assert from "node:assert/strict";
import test from "node:test";
import { compared, decisionOf, flat, judgedOf, saidOf, stepOf } from "./page.mjs";

test("the next step of a group is the first command of its text", () => {
  const step = (next) => stepOf({ GroupId: "g", next });
  const look = { task: "inspect", GroupId: "g" };
  assert.deepEqual(step("look with `make inspect GROUP=g`, then `make adopt GROUP=g`").event, look);
  assert.deepEqual(step("once the reason is gone, `make resume GROUP=g`").event, { task: "resume", GroupId: "g" });
  assert.deepEqual(step("once the reason is gone, `make resume`").event, { task: "resume" });
  assert.deepEqual(step("nothing: the next sweep goes on with it").event, look);
});

test("a frozen group is released by verdicts, and adopted where there is nothing to judge", () => {
  const seen = (ids, receipt) => ({ to_be_judged: ids, upstream: { receipt } });
  const verdicts = { a: "landed" };
  const release = { task: "release", GroupId: "g", verdicts };
  assert.deepEqual(decisionOf("g", seen(["a"], 7), { verdicts }), { ...release, receipt: 7 });
  const restored = { verdicts, queued: "not-landed", dropsDebt: true };
  const asked = { ...release, receipt: "1152921504606846976", queued: "not-landed", debt: "drop" };
  assert.deepEqual(decisionOf("g", seen(["a"], "1152921504606846976"), restored), asked);
  assert.deepEqual(decisionOf("g", seen([], 7), {}), { task: "adopt", GroupId: "g" });
});

test("what has to be judged is named by its counters, and a call's own id by what it takes back", () => {
  const entry = { id: "a", mode: "Increase", counters: { like: 5 }, accepted_at: "2026-11-22T00:00:00Z" };
  const row = { attempt: { operations: [entry] }, queue: [{ id: "q", mode: "Set", counters: { like: 1 } }] };
  const told = Object.fromEntries(judgedOf({ row, to_be_judged: ["a", "call", "q"] }));
  assert.equal(told.a, "Increase like 5, accepted at 2026-11-22T00:00:00Z");
  assert.deepEqual([told.call, told.q], ["what the call takes back", "Set like 1"]);
});

test("counters are compared exactly, the receipt first", () => {
  const known = { receipt: "9007199254740993", counters: { like: 1 } };
  const upstream = { receipt: "9007199254740995", counters: { like: 6, view: 2 } };
  const [receipt, like, view] = compared({ last_known: known, upstream });
  assert.deepEqual(receipt, ["the receipt", "9007199254740993", "9007199254740995", "2"]);
  assert.deepEqual([like, view], [["like", 1, 6, "5"], ["view", "not known", 2, "-"]]);
});

test("what came of a decision or a replay is a sentence", () => {
  assert.match(saidOf({ done: false, retry_after_s: 12.5 }), /^Nothing was changed: .* in 12.5 s\.$/);
  assert.equal(saidOf({ outcome: "applied", dropped: true }), "applied, and dropped from the list.");
  const refused = { outcome: "rejected", ErrorCode: 10010, ErrorInfo: "gone", dropped: false };
  assert.equal(saidOf(refused), "rejected (10010: gone): the record stays here.");
  assert.equal(saidOf({ replayed: 2, left: 1 }), "replayed 2, left 1.");
});

test("a value is told in lines", () => {
  assert.deepEqual(flat({ a: { b: 1, c: [] }, d: null }), [["a b", "1"], ["a c", "none"], ["d", "-"]]);
});
"""


def luminance(colour: str) -> float:
    """As WCAG 2.2 defines it for sRGB."""
    shares = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted(luminance(COLOURS[name]) for name in (one, other))
    return (lighter + 0.05) / (darker + 0.05)


def test_the_page_stays_small() -> None:
    assert sum(len(text.splitlines()) for text in (HTML, SCRIPT, STYLE)) <= 900


def test_nothing_is_kept_in_the_browser_and_no_text_becomes_markup() -> None:
    kept = r"localStorage|sessionStorage|indexedDB|cookie|caches"
    markup = r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function|createContextualFragment"
    assert re.findall(f"{kept}|{markup}", SCRIPT) == []
    assert re.findall(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|<style", HTML) == []


def test_every_field_has_a_label_and_every_section_a_heading() -> None:
    fields = re.findall(r'<(?:input|select|textarea)[^>]*\bid="([^"]+)"', HTML)
    assert sorted(re.findall(r'<label for="([^"]+)"', HTML)) == sorted(fields)
    ids = set(re.findall(r'\bid="([^"]+)"', HTML))
    assert set(re.findall(r'aria-labelledby="([^"]+)"', HTML)) <= ids
    assert len(re.findall(r"<section[^>]*aria-labelledby=", HTML)) == HTML.count("<section")


def test_every_element_that_the_script_names_is_in_the_page() -> None:
    named = set(re.findall(r'(?:element|clicked|submitted)\("([^"]+)"', SCRIPT))
    assert named
    assert named <= set(re.findall(r'\bid="([^"]+)"', HTML))


def test_the_focus_order_is_that_of_the_page() -> None:
    """No order of its own: what can be pressed is a native button or field, and its outline is drawn."""
    assert set(re.findall(r'tabindex="([^"]+)"', HTML)) <= {"-1"}
    assert ":focus-visible" in STYLE
    assert not re.search(r"outline: (none|0)", STYLE)


@pytest.mark.parametrize("ground", ["paper", "shade"])
@pytest.mark.parametrize("ink", ["ink", "quiet", "grave", "main"])
def test_text_has_the_contrast_of_wcag_aa(ink: str, ground: str) -> None:
    """Buttons turn the pair round, which has the same contrast."""
    assert contrast(ink, ground) >= 4.5


def test_borders_of_fields_can_be_told_from_the_ground() -> None:
    assert contrast("line", "paper") >= 3


@pytest.mark.skipif(shutil.which("node") is None, reason="THE PAGE'S SCRIPT IS NOT TESTED: there is no node here")
def test_the_script_decides_as_the_commands_would(tmp_path: Path) -> None:
    """Its functions without a page, in node's own test runner."""
    (tmp_path / "page.mjs").write_text(SCRIPT, "utf-8")
    (tmp_path / "checks.mjs").write_text(CHECKS, "utf-8")
    run = subprocess.run(["node", "checks.mjs"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == 0, run.stdout
