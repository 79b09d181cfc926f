"""The page as a person meets it: opened from disk in a real browser, wide and narrow, light, dark and on paper."""

import re

import evaluated_recording as evaluated
import pytest
from browser import Browser, find_browser

from mtl_perception.evaluation.report import write_report

ERRORS = {"house_rooms": 0.08, "rooms_only": 0.14, "teacher": 0.03}
HOSTILE = "\"><img src=http://evil.example/a.png onerror='alert(1)'><script>alert(1)</script>"


@pytest.fixture(scope="module")
def browser():
    executable = find_browser()
    if executable is None:
        pytest.skip("no Chromium or Chrome here: apt install chromium")
    try:
        browser = Browser(executable)
    except (RuntimeError, OSError) as error:  # such as the stand-in that Ubuntu has for a snap
        pytest.skip(f"{executable} does not start here: {error}")
    with browser:
        yield browser


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A report of three models, one played live, with a hostile class and topic."""
    folder = tmp_path_factory.mktemp("report")
    models = [evaluated.model(name, error, 3) for name, error in ERRORS.items()]
    models[0]["live"] = evaluated.live()
    for model in models:
        model["card"]["classes"][0]["name"] = model["segmentation"]["classes"][0]["name"] = HOSTILE
    metrics = evaluated.metrics(models)
    metrics["bag"]["topics"]["image"] = HOSTILE
    pictures = [p for name, error in ERRORS.items() for p in evaluated.pictures(name, error, enlarge=2)]
    frames = evaluated.write_frames(folder / "frames.csv", ERRORS, frames=60)
    write_report(folder / "report.html", metrics, pictures, frames)
    return folder / "report.html"


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, False), (1280, True)])
def test_the_page_opens_whole_and_alone(browser, report, width, dark):
    browser.open(report, width, 900, dark=dark)
    sizes = browser.evaluate("Array.from(document.images, i => [i.complete, i.naturalWidth, i.width, i.alt.length])")
    assert len(sizes) == 3 * 6 * 4
    assert all(complete and natural > 0 and shown > 60 and alt for complete, natural, shown, alt in sizes)
    plots = browser.evaluate(
        "Array.from(document.querySelectorAll('.plot svg'), s => s.getBoundingClientRect().height)"
    )
    assert len(plots) == 2 + 2 + 1 + 3
    assert min(plots) > 100
    assert browser.evaluate("document.documentElement.scrollWidth") <= width, "the page is wider than the window"
    assert browser.evaluate("document.scripts.length") == 0

    requests = [e["params"]["request"]["url"] for e in browser.events if e.get("method") == "Network.requestWillBeSent"]
    assert [url for url in requests if not url.startswith("data:")] == [report.as_uri()]
    said = [e for e in browser.events if e.get("method") in ("Log.entryAdded", "Runtime.consoleAPICalled")]
    assert not said
    asked = [e for e in browser.events if e.get("method") == "Page.javascriptDialogOpening"]
    assert not asked


def test_text_can_be_read_in_light_and_dark(browser, report):
    """Contrast of the words with what is behind them is at least 4.5, as WCAG 2 AA asks."""
    for dark in (False, True):
        browser.open(report, 1280, 900, dark=dark)
        paper = color(browser.evaluate("getComputedStyle(document.body).backgroundColor"))
        found = browser.evaluate(
            """(() => {
              const back = e => {
                for (; e; e = e.parentElement) {
                  const c = getComputedStyle(e).backgroundColor;
                  if (c !== 'rgba(0, 0, 0, 0)') return c;
                }
              };
              const wanted = 'h1, h2, h3, h4, p, li, td, th, dt, dd, figcaption, a, caption';
              return Array.from(document.querySelectorAll(wanted))
                .filter(e => e.innerText.trim()).map(e => [getComputedStyle(e).color, back(e), e.innerText]);
            })()"""
        )
        assert len(found) > 400
        for ink, back, text in found:
            *behind, opacity = color(back)
            seen = [opacity * b + (1 - opacity) * p for b, p in zip(behind, paper, strict=False)]
            assert contrast(color(ink)[:3], seen) >= 4.5, (text, ink, back, dark)


def color(text: str) -> list[float]:
    """Red, green, blue and opacity, 0..1, of what a style says."""
    values = [float(v) for v in re.findall(r"[\d.]+", text)]
    return [*(v / 255 for v in values[:3]), *(values[3:] or [1.0])]


def contrast(ink: list[float], paper: list[float]) -> float:
    lights = []
    for values in (ink, paper):
        linear = [v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
        lights.append(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])
    return (max(lights) + 0.05) / (min(lights) + 0.05)


def test_the_first_thing_seen_is_the_verdict(browser, report):
    browser.open(report, 1280, 900)
    bottom = browser.evaluate("document.querySelector('.tiles').getBoundingClientRect().bottom")
    assert bottom < 900
    assert browser.screenshot(full=False).startswith(b"\x89PNG")


def test_it_prints(browser, report):
    browser.open(report, 1280, 900, dark=True)
    assert browser.pdf().startswith(b"%PDF")
