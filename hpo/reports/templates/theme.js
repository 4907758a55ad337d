// Before anything is painted: the theme that was chosen here, else the system's.
(function () {
  "use strict";
  var theme = null;
  try { theme = window.localStorage.getItem("hpo-theme"); } catch (error) { /* file:// may refuse */ }
  if (theme !== "light" && theme !== "dark") {
    theme = window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }
  document.documentElement.dataset.theme = theme;
})();
