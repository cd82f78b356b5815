"use strict";

// A mailed link carries its token behind the #, which no server and no log is told; here it goes into the form.

const field = document.querySelector("input[name=token]");
if (field !== null && location.hash.length > 1) {
  field.value = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
}
