"use strict";

// A form's fields as JSON, sent with the session's CSRF token; the answer is shown below the form.

const csrf = JSON.parse(document.getElementById("drf_csrf").textContent);

function given(form) {
  const fields = {};
  for (const input of form.querySelectorAll("[data-kind]")) {
    const value = input.value.trim();
    if (value !== "") {
      fields[input.name] = input.dataset.kind === "json" ? JSON.parse(value) : value;
    }
  }
  return fields;
}

function show(form, failed, line, text) {
  const answer = form.querySelector(".call-answer");
  answer.hidden = false;
  answer.classList.toggle("failed", failed);
  answer.querySelector("p").textContent = line;
  answer.querySelector("pre").textContent = text;
}

async function send(form) {
  const fields = given(form);
  const url = new URL(form.action);
  const request = { method: form.dataset.call, headers: { Accept: "application/json", [csrf.csrfHeaderName]: csrf.csrfToken } };
  if ("inQuery" in form.dataset) {
    url.search = new URLSearchParams(fields);
  } else {
    request.headers["Content-Type"] = "application/json";
    request.body = JSON.stringify(fields);
  }
  const response = await fetch(url, request);
  const text = await response.text();
  const body = text && JSON.parse(text);
  // Not every server has a phrase for every status, but a refusal has a title.
  show(form, !response.ok, `${response.status} ${body.title ?? response.statusText}`, text && JSON.stringify(body, null, 4));
}

for (const form of document.querySelectorAll("form[data-call]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      await send(form);
    } catch (error) {
      show(form, true, "Not sent", String(error));
    } finally {
      button.disabled = false;
    }
  }, { capture: true });
}
