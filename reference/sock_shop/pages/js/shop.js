/* What every page shares: the three fragments, the session, the basket counter, messages and modals. */
"use strict";

const SHIPPING = 4.99;
const switches = document.documentElement.dataset;
const defect = name => switches.defects.split(" ").includes(name);

const byId = id => document.getElementById(id);
const money = amount => `$${amount.toFixed(2)}`;
const stored = name => document.cookie.split("; ").find(pair => pair.startsWith(`${name}=`))?.slice(name.length + 1);

const entities = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escaped = value => String(value).replace(/[&<>"']/g, sign => entities[sign]);
const html = (parts, ...values) => String.raw({ raw: parts }, ...values.map(escaped));

/** The JSON of a GET; throws for an error status or anything else than JSON. */
async function read(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: HTTP ${answer.status}`);
  return answer.json();
}

/** Asks and blocks the page until the answer is there, as the real shop does; status 0 without an answer. */
function askNow(method, url, body, headers = {}) {
  const request = new XMLHttpRequest();
  request.open(method, url, false);
  for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
  if (body) request.setRequestHeader("Content-Type", "application/json");
  try {
    request.send(body && JSON.stringify(body));
  } catch {
    return { status: 0, statusText: "", text: "" };
  }
  return { status: request.status, statusText: request.statusText, text: request.responseText };
}

/** Changes the basket; reloads the page when the answer is well formed, an empty "JSON" body is not. */
async function changeCart(method, url, body) {
  const answer = await fetch(url, {
    method, body: body && JSON.stringify(body), headers: body ? { "Content-Type": "application/json" } : {},
  });
  if (!answer.ok) throw new Error(`${method} ${url}: HTTP ${answer.status}`);
  if (answer.headers.get("Content-Type")?.includes("json")) await answer.json();
}

function addToCart(id) {
  changeCart("POST", "cart", { id }).then(() => location.reload(), console.error);
}

function say(place, kind, text, closable = true) {
  const close = `<button type="button" class="close" data-dismiss="alert" aria-label="Close">&times;</button>`;
  place.innerHTML = `<div class="alert alert-${kind}" role="alert">${closable ? close : ""}</div>`;
  place.firstElementChild.append(text);
}

/** A product as a card; its picture gives way to a drawn sock when it cannot be had. */
function productCard(sock, buttons) {
  const link = `detail.html?id=${encodeURIComponent(sock.id)}`;
  return html`<div class="item"><div class="product">
    <a href="${link}" class="picture"><img src="${sock.imageUrl?.[0] ?? ""}" alt="" loading="lazy" onerror="drawSock(this)"></a>
    <div class="text"><h3><a href="${link}">${sock.name}</a></h3><p class="price">$${sock.price}</p>` + (buttons ? html`
    <p class="buttons"><a href="${link}" class="btn btn-quiet btn-sm">View detail</a>
      <a href="#" class="btn btn-primary btn-sm" onclick="addToCart('${sock.id}')">Add to cart</a></p>` : "") + "</div></div></div>";
}

function drawSock(image) {
  image.onerror = null;
  image.src = "img/sock.svg";
}

// Topbar and session

async function fragment(name, ready) {
  const answer = await fetch(`${name}.html`);
  byId(name).innerHTML = await answer.text();
  ready?.();
}

function showSession() {
  const session = stored("logged_in");
  for (const id of session ? ["login", "register"] : ["howdy", "logout"]) byId(id).remove();
  if (session) read(`customers/${session}`).then(greet, console.error);
}

function greet(customer) {
  if (customer.firstName !== undefined) {
    document.querySelector("#howdy a").textContent = `Logged in as ${customer.firstName} ${customer.lastName}`;
  }
}

function enter(answer, place, welcome, refusal) {
  if (answer.status === 200) {
    say(place, "success", welcome, false);
    setTimeout(() => location.reload(), 1500);
  } else {
    say(place, "danger", refusal, false);
  }
  return false;
}

function login() {
  const pair = new TextEncoder().encode(`${byId("username-modal").value}:${byId("password-modal").value}`);
  const answer = askNow("GET", "login", null, { Authorization: `Basic ${btoa(String.fromCharCode(...pair))}` });
  return enter(answer, byId("login-message"), "Login successful.", "Invalid login credentials.");
}

function register() {
  const typed = field => byId(`register-${field}-modal`).value;
  const answer = askNow("POST", "register", {
    username: typed("username"), password: typed("password"), email: typed("email"),
    firstName: typed("first"), lastName: typed("last"),
  });
  return enter(answer, byId("registration-message"), "Registration and login successful.",
    `There was a problem with your registration: ${answer.statusText}`);
}

/** Forgets the login in this browser only; the server's session stays, as in the real shop. */
function logout() {
  document.cookie = "logged_in=; Max-Age=0; Path=/";
}

// Navbar

async function showCounter() {
  if (!stored("logged_in")) byId("tabAccount").remove();
  try {
    const lines = await read("cart");
    await Promise.all(lines.map(line => read(`catalogue/${line.itemId}`)));
    const pieces = lines.reduce((sum, line) => sum + line.quantity, 0);
    if (lines.length) document.querySelector("#basket-overview #numItemsInCart").textContent = `${pieces} item(s) in cart`;
  } catch (error) {
    console.error(error);
    byId("basket-overview").remove();
  }
}

// Modals and messages that close

function closeModals() {
  for (const modal of document.querySelectorAll(".modal.in")) modal.classList.remove("in");
}

document.addEventListener("click", event => {
  const opener = event.target.closest("[data-toggle=modal]");
  if (opener) {
    event.preventDefault();
    closeModals();
    const modal = document.querySelector(opener.dataset.target);
    modal.classList.add("in");
    modal.querySelector("input").focus();
  } else if (event.target.closest("[data-dismiss=modal]") || event.target.matches(".modal")) {
    closeModals();
  } else if (event.target.closest("[data-dismiss=alert]")) {
    event.target.closest(".alert").remove();
  }
});
document.addEventListener("keydown", event => event.key === "Escape" && closeModals());

fragment("topbar", showSession);
fragment("navbar", showCounter);
fragment("footer");
