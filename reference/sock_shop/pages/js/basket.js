/* The basket and its checkout. */
"use strict";

const button = byId("orderButton");
let subtotal = 0;
let clicked = false;  // since the page was loaded
let running = 0;  // checkouts that wait for their answer
let placed = false;

const INCOMPLETE = "Could not place order. Missing shipping or payment information.";
const DOUBLE_CLICK = 300;  // milliseconds within which its second click comes

// Lines

const basketRow = (line, sock) => html`<tr class="item">
  <td><input type="hidden" class="id" value="${line.itemId}"><a href="detail.html?id=${sock.id}"><img src="${sock.imageUrl?.[0] ?? ""}" alt="" onerror="drawSock(this)"></a></td>
  <td><a href="detail.html?id=${sock.id}">${sock.name}</a></td>
  <td id="${line.itemId}"><input type="number" min="1" class="form-control" aria-label="Quantity" value="${line.quantity}"></td>
  <td>${money(line.unitPrice)}</td><td>$0.00</td><td>${money(line.unitPrice * line.quantity)}</td>
  <td><a href="#" class="delete" aria-label="Delete" onclick="deleteFromCart('${line.itemId}')"><img src="img/bin.svg" alt="" width="18" height="18"></a></td>
</tr>`;

async function showLine(line) {
  const sock = await read(`catalogue/${line.itemId}`);
  byId("cart-list").insertAdjacentHTML("beforeend", basketRow(line, sock));
  subtotal += line.unitPrice * line.quantity;
  byId("cartTotal").textContent = byId("orderSubtotal").textContent = money(subtotal);
  byId("orderGrandTotal").textContent = money(subtotal + SHIPPING);
  offerCheckout();
}

async function showBasket() {
  const lines = await read("cart");
  byId("empty-basket").hidden = lines.length > 0;
  await Promise.all(lines.map(showLine));
}

function deleteFromCart(id) {
  changeCart("DELETE", `cart/${id}`).then(() => location.reload(), console.error);
}

async function updateCart() {
  for (const row of document.querySelectorAll("#cart-list tr.item")) {
    const quantity = row.querySelector("input[type=number]").value;
    await changeCart("POST", "cart/update", { id: row.querySelector("input.id").value, quantity }).catch(console.error);
  }
  location.reload();
}

// Address and card

async function showPayment() {
  const card = await read("card");
  byId("number").textContent = card.status_code ? "No credit card saved for user." : `Card ending in ${card.number}`;
  byId("number").classList.toggle("missing", Boolean(card.status_code));
  byId("add_payment").hidden = !card.status_code;
}

async function showShipping() {
  const address = await read("address");
  byId("address").textContent = address.status_code ? "No address saved for user."
    : `${address.number} ${address.street}, ${address.city}, ${address.postcode}, ${address.country}`;
  byId("address").classList.toggle("missing", Boolean(address.status_code));
  byId("add_shipping").hidden = !address.status_code;
}

const typed = field => byId(`form-${field}`).value;

function save(url, what) {
  if (askNow("POST", url, what).status === 200) location.reload();
  else say(byId("user-message"), "danger", "That could not be saved. Please try again.");
  return false;
}

const saveAddress = () => save("addresses", {
  number: typed("number"), street: typed("street"), city: typed("city"),
  postcode: typed("post-code"), country: typed("country"),
});
const saveCard = () => save("cards", { longNum: typed("card-number"), expires: typed("expires"), ccv: typed("ccv") });

// Checkout

const incomplete = () => [byId("address"), byId("number")].some(place => place.classList.contains("missing"));

/** Called once per basket line; as in the real shop, each line may bring a handler of its own. */
function offerCheckout() {
  button.disabled = false;
  button.addEventListener("click", defect("second_click_leaves") ? firstClickOnly(incomplete()) : checkout);
}

/** A handler that lets every click but the page's first one go on to the list of orders, without an order. */
function firstClickOnly(wasIncomplete) {
  return event => {
    if (wasIncomplete) return refuse(event, INCOMPLETE);
    const twin = defect("duplicate_on_double_click") && event.detail === 2;
    return clicked && !twin ? undefined : checkout(event, false);
  };
}

function checkout(event, mayBeIncomplete = true) {
  clicked = true;
  if (mayBeIncomplete && incomplete()) return refuse(event, INCOMPLETE);
  if (!stored("logged_in")) return refuse(event, "You must be logged in to place an order.");
  const blocking = defect("no_busy_state") && !defect("duplicate_on_double_click");
  return blocking ? placeBlocking(event) : placeBusy(event);
}

function refuse(event, text) {
  event.preventDefault();
  complain(text);
}

/** The page stands still until the answer is there; only a success lets the click go on to the list of orders. */
function placeBlocking(event) {
  if (placed || !settled(askNow("POST", "orders"))) event.preventDefault();
}

/** The page stays alive: the button is disabled, and busy for who cannot see it, until the answer is there. */
async function placeBusy(event) {
  event.preventDefault();
  running += 1;
  const twins = defect("duplicate_on_double_click");
  const answer = post("orders", twins ? { "Idempotency-Key": `click-${event.detail}` } : {});
  if (twins) await new Promise(done => setTimeout(done, DOUBLE_CLICK));
  byId("user-message").replaceChildren();
  showRunning();
  const leaving = settled(await answer);
  running -= 1;
  showRunning();
  if (leaving) button.form.submit();
}

function showRunning() {
  if (defect("no_busy_state")) return;
  button.disabled = running > 0 || placed;
  button.setAttribute("aria-busy", button.disabled);
}

async function post(url, headers) {
  try {
    const answer = await fetch(url, { method: "POST", headers });
    return { status: answer.status, text: await answer.text() };
  } catch {
    return { status: 0, text: "" };
  }
}

/** Tells the customer how it went; true when the order is placed. */
function settled(answer) {
  placed ||= answer.status === 201;
  if (answer.status === 201) {
    say(byId("user-message"), "success", "Order placed.");
    fetch("cart", { method: "DELETE", keepalive: true });
  } else {
    complain(messageFor(answer));
  }
  return answer.status === 201;
}

function complain(text) {
  if (!text) return;
  say(byId("user-message"), "danger", text);
  scrollTo({ top: byId("user-message").offsetTop - 100, behavior: "smooth" });
}

function messageFor({ status, text }) {
  let body = {};
  try {
    body = JSON.parse(text);
  } catch {
    if (switches.messages === "FE6" && status) return `Error placing order (HTTP ${status}). Please try again.`;
  }
  return messages[switches.messages](status, body.message, body.error);
}

/** The wording of three builds of the real shop; FE2 is the one that the incident happened on. */
const messages = {
  FE0: (status, message) => status === 406 ? `Error placing order. ${message}` : "",
  FE2: (status, message) => "Error: " + ({
    0: "Network error. Please check your internet connection and try again.",
    400: "Invalid order information. Please check your basket, address and card.",
    406: `Payment declined. ${message ?? "Please check your card."}`,
    500: `Payment processing failed. ${message ?? "The service is temporarily unavailable. Your card was NOT charged."}`,
    503: "Service temporarily unavailable. Please try again in a few minutes.",
  }[status] ?? `Unable to place order. ${message ?? "Please try again."}`),
  FE6: (status, message, error) => ({
    0: "Network error. Please check your connection.",
    406: message,
    500: "Due to high demand, we're experiencing delays. Your order is being processed.",
    503: "We're experiencing high order volume. Please try again in a moment.",
    504: "Request timeout. Please try again.",
  }[status] ?? error ?? message),
};

showBasket().catch(console.error);
showPayment().catch(console.error);
showShipping().catch(console.error);
read("catalogue?size=3").then(socks => {
  byId("related").innerHTML = socks.map(sock => productCard(sock)).join("");
}, console.error);
