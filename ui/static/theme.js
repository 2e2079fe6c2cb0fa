// Light or dark, the language, the drawer on a phone: what the browser does without asking the server.
(() => {
  const stored = localStorage.getItem("counterman-dark");
  const wanted = stored === null ? matchMedia("(prefers-color-scheme: dark)").matches : stored === "1";
  document.documentElement.classList.toggle("c-dark", wanted);

  const set = (dark) => {
    document.documentElement.classList.toggle("c-dark", dark);
    if (window.Quasar) Quasar.Dark.set(dark);
    document.dispatchEvent(new CustomEvent("counterman-dark"));
  };

  document.addEventListener("DOMContentLoaded", () => {
    const wait = setInterval(() => {
      if (window.Quasar && document.querySelector("#app > *")) {
        clearInterval(wait);
        set(wanted);
      }
    }, 10);
    setTimeout(() => clearInterval(wait), 5000);
  });

  const drawer = (open) => {
    document.documentElement.classList.toggle("c-drawer-open", open);
    document.querySelector("[data-drawer]")?.setAttribute("aria-expanded", String(open));
  };

  document.addEventListener("click", (event) => {
    const to = (selector) => event.target.closest?.(selector);
    if (to("[data-dark]")) {
      const dark = !document.documentElement.classList.contains("c-dark");
      localStorage.setItem("counterman-dark", dark ? "1" : "0");
      set(dark);
    }
    const language = to("[data-lang]");
    if (language) {
      event.preventDefault();
      document.cookie = `lang=${language.dataset.lang}; path=/; max-age=31536000; samesite=lax`;
      const here = new URL(location.href);
      here.searchParams.delete("lang");
      location.replace(here);
    }
    if (to("[data-drawer]")) drawer(!document.documentElement.classList.contains("c-drawer-open"));
    else if (to(".c-shade, .c-drawer a")) drawer(false);
    const copied = to("[data-copy]");
    if (copied) {
      const words = document.getElementById(copied.dataset.copy)?.innerText ?? "";
      const done = () => {
        copied.classList.add("c-copied");
        setTimeout(() => copied.classList.remove("c-copied"), 1500);
      };
      if (navigator.clipboard) navigator.clipboard.writeText(words).then(done);
      else {
        const range = document.createRange();
        range.selectNodeContents(document.getElementById(copied.dataset.copy));
        getSelection().removeAllRanges();
        getSelection().addRange(range);
        if (document.execCommand("copy")) done();
      }
    }
    for (const menu of document.querySelectorAll("details.c-me[open]")) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      drawer(false);
      for (const menu of document.querySelectorAll("details.c-me[open]")) menu.open = false;
    }
  });
})();
