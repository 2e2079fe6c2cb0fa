// What Telegram has signed comes in the address's fragment (a Mini App's data, the Login Widget's result): it is
// taken out of there and sent by a form of our own, so that no log and no referrer sees it.
(() => {
  const given = new URLSearchParams(location.hash.slice(1));
  const [path, proof] = given.has("tgWebAppData")
    ? ["/login/miniapp", given.get("tgWebAppData")]
    : ["/login/widget", given.get("tgAuthResult")];
  if (!proof) return;
  history.replaceState(null, "", location.pathname);
  const form = document.createElement("form");
  form.method = "post";
  form.action = path;
  const field = document.createElement("input");
  field.type = "hidden";
  field.name = "proof";
  field.value = proof;
  form.append(field);
  document.body.append(form);
  form.submit();
})();
