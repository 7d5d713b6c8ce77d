// Takes the text of a square code from behind the "#" of the address, where it is in no log and then in no history, and offers
// to print. Without it the text is pasted, and the browser's menu prints.
(() => {
  const field = document.getElementById("text");
  const take = () => {
    if (!field || location.hash.length < 2) return;
    field.value = location.href;
    history.replaceState(null, "", location.pathname);
  };
  take();
  addEventListener("hashchange", take);
  const print = document.getElementById("print");
  if (print) {
    print.hidden = false;
    print.addEventListener("click", () => window.print());
  }
})();
