/* One card, three states: the card form, the one-time password, the end. */
"use strict";

const told = document.documentElement.dataset;
const api = told.api.startsWith(":") ? `${location.protocol}//${location.hostname}${told.api}` : told.api;
const defect = name => told.defects.split(" ").includes(name);
const EMPTY = "•••• •••• •••• ••••";
const digits = text => text.replace(/\D/g, "");

/** Shows a state afresh; returns a finder of its elements. */
function show(state) {
  const card = document.querySelector(".card");
  card.replaceChildren(document.getElementById(state).content.cloneNode(true));
  card.dataset.state = state;
  return selector => card.querySelector(selector);
}

/** What the backend answers; throws what the customer is to read when there is no such answer. */
async function ask(path, body) {
  let answer;
  try {
    answer = await fetch(api + path, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
      signal: defect("page_impatient") ? AbortSignal.timeout(700) : null,
    });
  } catch {
    throw new Error("Network error. Please check if the server is running.");
  }
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return said;
  throw new Error(answer.status === 422 ? refusal(said.detail) : said.detail ?? `The server answered ${answer.status}.`);
}

function refusal(detail) {
  if (defect("blank_page_on_422")) {
    document.getElementById("root").replaceChildren();
    setTimeout(() => { throw new TypeError("a list of objects is no text that a page could show"); });
  }
  return detail.map(each => each.msg.replace("Value error, ", "")).join(". ");
}

/** Sends a form once: busy while it waits, and the message above the button when it fails. */
async function send(form, waiting, path, body, then) {
  const button = form.querySelector(".btn-primary"), label = button.textContent;
  form.querySelector(".error-text")?.remove();
  button.disabled = true;
  button.innerHTML = `<span class="spinner"></span> ${waiting}`;
  try {
    then(await ask(path, body));
  } catch (error) {
    const message = Object.assign(document.createElement("p"), { className: "error-text", textContent: error.message });
    message.setAttribute("role", "alert");
    button.before(message);
  }
  button.disabled = false;
  button.textContent = label;
}

function cardForm() {
  const find = show("card-form"), field = id => find(`#${id}`).value;
  const preview = () => { find(".card-number-preview").textContent = field("cardNumber") + EMPTY.slice(field("cardNumber").length); };
  const typed = (id, tidy) => find(`#${id}`).addEventListener("input", event => {
    event.target.value = tidy(event.target.value);
    preview();
  });
  typed("cardNumber", text => digits(text).slice(0, 16).replace(/(.{4})(?=.)/g, "$1 "));
  typed("holderName", text => text.toUpperCase());
  typed("expiry", text => digits(text).slice(0, 4).replace(/^(..)(.+)/, "$1/$2"));
  typed("cvv", text => digits(text).slice(0, 4));
  preview();
  find("form").addEventListener("submit", event => {
    event.preventDefault();
    const card = { card_number: digits(field("cardNumber")), holder_name: field("holderName"), expiry: field("expiry"), cvv: field("cvv") };
    send(event.target, "Processing...", "/payment/initiate", card, said => {
      if (!said.success && defect("failure_untold")) return;
      if (!said.success) throw new Error(said.message);
      otpForm(said);
    });
  });
}

function otpForm({ session_id, otp }) {
  const find = show("otp-form"), container = find(".otp-input-container"), button = find(".btn-primary");
  if (otp) {
    container.insertAdjacentHTML("beforebegin", `<div class="otp-display"><span>Your OTP Code (Demo Only)</span><strong class="code">${otp}</strong></div>`);
  }
  const places = Array.from({ length: 6 }, () => Object.assign(document.createElement("input"), {
    className: "otp-input-single", inputMode: "numeric", autocomplete: "one-time-code", maxLength: 1,
  }));
  const code = () => places.map(place => place.value).join("");
  const changed = () => { button.disabled = code().length < 6; };
  container.append(...places);
  container.addEventListener("input", ({ target }) => {
    target.value = digits(target.value).slice(-1);
    if (target.value) places[places.indexOf(target) + 1]?.focus();
    changed();
  });
  container.addEventListener("keydown", ({ key, target }) => {
    if (key === "Backspace" && !target.value) places[places.indexOf(target) - 1]?.focus();
  });
  container.addEventListener("paste", event => {
    event.preventDefault();
    const pasted = digits(event.clipboardData.getData("text")).slice(0, 6);
    places.forEach((place, n) => { place.value = pasted[n] ?? ""; });
    places[Math.min(pasted.length, 5)].focus();
    changed();
  });
  places[0].focus();
  find(".btn-secondary").addEventListener("click", cardForm);
  find("form").addEventListener("submit", event => {
    event.preventDefault();
    send(event.target, "Verifying...", "/payment/verify-otp", { session_id, otp: code() }, end);
  });
}

function end({ success, message }) {
  const find = show("end"), again = find("button");
  find(".status-icon").classList.add(success ? "success" : "error");
  find(".status-icon").textContent = success ? "✓" : "✕";
  find(".status-title").textContent = success ? "Payment Successful!" : "Payment Failed";
  find(".status-description").textContent = message;
  again.textContent = success ? "Make Another Payment" : "Try Again";
  again.addEventListener("click", cardForm);
}

cardForm();
