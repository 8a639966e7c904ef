/* The list of a customer's orders, and the page of one order. */
"use strict";

/** What a customer is told about an order; a payment that failed never reads like a delivery. */
function statusOf(order) {
  if (!order.status) return "Unknown";
  if (order.status === "PAID" && order.shipment) return "Shipped";
  const words = order.status.toLowerCase().replaceAll("_", " ");
  return words[0].toUpperCase() + words.slice(1);
}

const labels = {
  "Paid": "success", "Shipped": "success", "Delivered": "success", "Payment failed": "danger", "Unknown": "default",
};

const labelOf = status => `label label-${labels[status] ?? "info"}`;
const idOf = order => (order._links?.self?.href ?? order.id ?? "").split("/").pop();
const dateOf = order => order.date?.slice(0, 19).replace("T", " ") ?? "–";
const totalOf = order => order.total === undefined ? "–" : `$ ${order.total.toFixed(2)}`;

function orderRow(order) {
  const status = defect("shipped_on_list") ? "Shipped" : statusOf(order);
  return html`<tr>
    <th># ${idOf(order)}</th><td>${dateOf(order)}</td><td>${totalOf(order)}</td>
    <td><span class="${labelOf(status)}">${status}</span></td>
    <td><a href="customer-order.html?order=/orders/${idOf(order)}" class="btn btn-outline btn-sm">View</a></td>
  </tr>`;
}

async function showOrders() {
  const none = byId("no-orders");
  try {
    const orders = await read("orders");
    byId("tableOrders").innerHTML = orders.map(orderRow).join("");
    none.textContent = "No orders yet.";
    none.hidden = orders.length > 0;
  } catch (error) {
    console.error(error);
    none.textContent = stored("logged_in") ? "Your orders cannot be shown at the moment." : "Log in to see your orders.";
    none.hidden = false;
  }
}

const itemRow = (item, sock) => html`<tr>
  <td><a href="detail.html?id=${sock.id}"><img src="${sock.imageUrl?.[0] ?? ""}" alt="" onerror="drawSock(this)"></a></td>
  <td><a href="detail.html?id=${sock.id}">${sock.name}</a></td>
  <td>${item.quantity}</td><td>${money(sock.price)}</td><td>$0.00</td><td>${money(item.quantity * sock.price)}</td>
</tr>`;

function showAddress(id, customer, address) {
  const lines = document.createElement("p");
  lines.innerHTML = [
    [customer?.firstName, customer?.lastName],
    [address.number, address.street], [address.postcode, address.city], [address.country],
  ].map(words => escaped(words.filter(Boolean).join(" "))).filter(Boolean).join("<br>");
  byId(id).replaceWith(lines);
}

async function showOrder() {
  const path = new URLSearchParams(location.search).get("order");
  if (!/^\/orders\/\w+$/.test(path)) return location.replace("customer-orders.html");
  const order = await read(path);
  byId("orderNumber").textContent = `Order # ${path.split("/").pop()}`;
  byId("orderDate").textContent = dateOf(order);
  const status = defect("shipped_on_detail") ? "Shipped" : statusOf(order);
  byId("orderStatus").textContent = status.toLowerCase();
  byId("orderStatus").className = labelOf(status);
  if (order.address) for (const id of ["addressInvoice", "addressShipping"]) showAddress(id, order.customer, order.address);

  // The real shop adds up today's prices, whatever the order says.
  const items = order.items ?? [];
  const socks = await Promise.all(items.map(item => read(`catalogue/${item.itemId}`)));
  const subtotal = items.reduce((sum, item, index) => sum + item.quantity * socks[index].price, 0);
  byId("tableOrder").innerHTML = items.map((item, index) => itemRow(item, socks[index])).join("");
  byId("orderSubtotal").textContent = money(subtotal);
  byId("orderTotal").textContent = money(subtotal + SHIPPING);
}

if (byId("tableOrders")) showOrders();
if (byId("tableOrder")) showOrder();
