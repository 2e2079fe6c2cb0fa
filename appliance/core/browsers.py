"""What a browser calls itself, in the few words that a person knows it by."""

from __future__ import annotations

# In this order: later browsers name the earlier ones too.
BROWSERS = (
    ("YaBrowser/", "Yandex Browser"), ("Edg/", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"), ("FxiOS/", "Firefox"), ("CriOS/", "Chrome"), ("Chrome/", "Chrome"),
    ("Version/", "Safari"), ("curl/", "curl"),
)  # fmt: skip
SYSTEMS = (("Windows", "Windows"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"),
           ("CrOS", "ChromeOS"), ("Mac OS X", "macOS"), ("Linux", "Linux"))  # fmt: skip
LONGEST = 60  # characters of a name that we do not know


def browser_name(agent: str) -> str:
    """`Firefox, Windows`; what is unknown is cut and shown as it is, and nothing is a question mark."""
    browser = next((name for sign, name in BROWSERS if sign in agent), "")
    system = next((name for sign, name in SYSTEMS if sign in agent), "")
    return ", ".join(filter(None, (browser, system))) or " ".join(agent.split())[:LONGEST] or "?"
