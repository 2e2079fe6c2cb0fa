// Tells a manager whose attention is elsewhere that a customer waits: a notification, and a number in the title.
(() => {
  const able = "Notification" in window && window.isSecureContext;
  const button = () => {
    for (const one of document.querySelectorAll("[data-notify]")) one.hidden = !able || Notification.permission !== "default";
  };
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-notify]")) Notification.requestPermission().then(button);
  });
  new MutationObserver(button).observe(document.documentElement, { childList: true, subtree: true });

  window.counterman = {
    waiting(count) {
      document.title = document.title.replace(/^\(\d+\) /, "");
      if (count) document.title = `(${count}) ${document.title}`;
    },
    notify(title, words, href) {
      if (!able || Notification.permission !== "granted" || document.hasFocus()) return;
      const shown = new Notification(title, { body: words, tag: "counterman-waiting" });
      shown.onclick = () => {
        window.focus();
        if (href && !location.search.includes(href.split("?")[1])) location.href = href;
        shown.close();
      };
    },
  };
})();
