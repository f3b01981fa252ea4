"""Opens a page of `fib report` in Chromium, as a reader would: in both themes, on a phone and on a large screen, on
paper and without JavaScript. `scripts/browser` makes the page and runs these tests.

PAGE is the file of the page, and AXE the file of axe-core.
"""

import base64
import json
import os
import pathlib
import shutil

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

PAGE = pathlib.Path(os.environ["PAGE"]).resolve().as_uri()
AXE = pathlib.Path(os.environ["AXE"]).read_text()
THEMES = ["light", "dark"]


@pytest.fixture(scope="module")
def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("google-chrome")
    for flag in ["--headless=new", "--no-sandbox", "--disable-gpu", "--force-device-scale-factor=1"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
    driver = webdriver.Chrome(options=options, service=service)
    yield driver
    driver.quit()


def opened(browser, theme="light", width=1440, media="screen", script=True):
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                            {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500})
    features = [{"name": "prefers-color-scheme", "value": theme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not script})
    browser.get("about:blank")
    browser.get_log("browser"), browser.get_log("performance")
    browser.get(PAGE)
    return browser


@pytest.mark.parametrize("theme", THEMES)
def test_nothing_is_fetched_and_nothing_is_complained_about(browser, theme):
    opened(browser, theme)
    assert browser.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    urls = {m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"}
    assert urls <= {PAGE}


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing(browser, theme):
    opened(browser, theme)
    for details in browser.find_elements(By.TAG_NAME, "details"):
        browser.execute_script("arguments[0].open = true", details)
    browser.execute_script(AXE)
    found = browser.execute_async_script(
        "const done = arguments[arguments.length - 1];"
        "axe.run().then(result => done(result.violations.map(v => [v.id, v.help, v.nodes.slice(0, 3).map(n => n.html)])))")
    assert found == []


CONTRAST = """
const number = color => color.match(/[\\d.]+/g).slice(0, 3).map(Number);
const luminance = color => {
  const [r, g, b] = number(color).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const page = getComputedStyle(document.documentElement).backgroundColor;
const low = [];
let count = 0;
for (const text of document.querySelectorAll('svg text')) {
  text.scrollIntoView({ block: 'center', inline: 'center' });
  const box = text.getBoundingClientRect();
  if (box.width === 0) continue;
  count += 1;
  const stack = document.elementsFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  const under = stack.find(e => ['rect', 'polygon'].includes(e.tagName) && getComputedStyle(e).fill !== 'none');
  const ground = under ? getComputedStyle(under).fill : page;
  const [a, b] = [luminance(getComputedStyle(text).fill), luminance(ground)];
  const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (contrast < 4.5) low.push([text.textContent, getComputedStyle(text).fill, ground, contrast]);
}
return [count, low];
"""


@pytest.mark.parametrize("theme", THEMES)
def test_text_in_charts_can_be_read(browser, theme):
    opened(browser, theme)
    count, low = browser.execute_script(CONTRAST)
    assert count > 50 and low == []


def test_every_chart_can_be_seen(browser):
    opened(browser)
    seen = set()
    for choice in browser.find_elements(By.CSS_SELECTOR, ".choice"):
        panes = choice.find_elements(By.CSS_SELECTOR, ":scope > .pane")
        for i, label in enumerate(choice.find_elements(By.CSS_SELECTOR, ":scope > label")):
            label.click()
            assert [pane.is_displayed() for pane in panes] == [j == i for j in range(len(panes))]
            seen |= visible_charts(panes[i])
    seen |= visible_charts(browser)
    assert seen == set(browser.find_elements(By.CSS_SELECTOR, "figure svg"))


def visible_charts(part):
    charts = part.find_elements(By.CSS_SELECTOR, "figure svg")
    return {chart for chart in charts if chart.is_displayed() and chart.size["width"] > 300 and chart.size["height"] > 40}


def test_a_cell_leads_to_its_details(browser):
    opened(browser)
    link = browser.find_element(By.CSS_SELECTOR, ".heat td a")
    target = link.get_attribute("href").split("#")[1]
    link.click()
    row = browser.find_element(By.ID, target)
    top = browser.execute_script("return arguments[0].getBoundingClientRect().top", row)
    assert row.is_displayed() and 0 <= top < 900


def move(browser, slider, value):
    element = browser.find_element(By.ID, "explorer-" + slider)
    browser.execute_script(
        "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input'))", element, value)


def test_sliders_move_the_laws(browser):
    opened(browser)
    reading = browser.find_element(By.ID, "explorer-reading")
    curves = lambda: [c.get_attribute("points") for c in browser.find_elements(By.CSS_SELECTOR, "#explorer-chart polyline")]
    move(browser, "workers", 6), move(browser, "serial", 0.02), move(browser, "contention", 0), move(browser, "coherency", 0)
    before = curves()
    # 1 / (0.02 + 0.98 / 64), 64 - 0.02 * 63, and the ideal.
    assert "With 64 workers, Amdahl gives 28.3x, Gustafson gives 62.7x, USL gives 64.0x." in reading.text
    assert "no number of workers gives more than 50.0x" in reading.text
    move(browser, "contention", 0.1)
    # 64 / (1 + 0.1 * 63)
    assert "USL gives 8.77x" in reading.text
    changed = [a != b for a, b in zip(before, curves())]
    assert changed == [False, False, False, True]
    move(browser, "coherency", 0.001)
    assert "the speedup is highest with 30 workers" in reading.text
    assert len(browser.find_elements(By.CSS_SELECTOR, "#explorer-chart circle")) > 0


@pytest.mark.parametrize("width", [390, 1440])
def test_the_page_is_as_wide_as_the_screen(browser, width):
    opened(browser, width=width)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    hidden = browser.execute_script(
        "return [...document.querySelectorAll('h1, h2, h3, p, li, dd')].filter(e => e.getBoundingClientRect().right >"
        " innerWidth + 1 && !e.closest('.chart, .table')).map(e => e.textContent)")
    assert hidden == []


def test_paper_has_every_chart_whole(browser):
    opened(browser, "dark", width=700, media="print")
    charts = browser.find_elements(By.CSS_SELECTOR, "figure svg")
    # A page of A4 with these margins has 26.7 cm.
    assert all(chart.is_displayed() and chart.size["height"] < 26.7 / 2.54 * 96 for chart in charts)
    assert all(chart.rect["x"] + chart.size["width"] <= 701 for chart in charts)
    assert browser.execute_script("return getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    pdf = browser.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})
    assert len(base64.b64decode(pdf["data"])) > 10_000


def test_without_javascript_only_the_explorer_is_missing(browser):
    opened(browser, script=False)
    try:
        assert not browser.find_element(By.ID, "explorer").is_displayed()
        assert browser.find_element(By.TAG_NAME, "noscript").text != ""
        for choice in browser.find_elements(By.CSS_SELECTOR, ".choice"):
            panes = choice.find_elements(By.CSS_SELECTOR, ":scope > .pane")
            choice.find_elements(By.CSS_SELECTOR, ":scope > label")[-1].click()
            assert panes[-1].is_displayed() and not panes[0].is_displayed()
        details = browser.find_element(By.CSS_SELECTOR, "details.numbers")
        details.find_element(By.TAG_NAME, "summary").click()
        assert details.find_element(By.TAG_NAME, "table").is_displayed()
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
