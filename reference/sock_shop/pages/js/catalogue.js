/* Home, catalogue and product page. */
"use strict";

const query = new URLSearchParams(location.search);

async function showHot() {
  const socks = await read("catalogue?size=5");
  byId("hot-slider").innerHTML = socks.slice(0, 4).map(sock => productCard(sock)).join("");
}

async function showCatalogue() {
  const page = Number(query.get("page") ?? 1);
  const size = Number(query.get("size") ?? 6);
  const tags = query.get("tags") ?? "";
  const address = (...changed) => `category.html?${new URLSearchParams({ page, size, tags, ...Object.fromEntries(changed) })}`;

  byId("products-number").innerHTML = "Show " + [3, 6, 9].map(number =>
    html`<a href="${address(["size", number], ["page", 1])}" class="${number === size ? "active" : ""}">${number}</a>`).join(" ");
  const [total, socks, known] = await Promise.all([
    read(`catalogue/size?tags=${encodeURIComponent(tags)}`),
    read(`catalogue?${new URLSearchParams({ page, size, tags })}`),
    read("tags"),
  ]);
  byId("totalProducts").textContent = `Showing ${socks.length} of ${total.size} products`;
  byId("products").innerHTML = socks.map(sock => productCard(sock, true)).join("");
  const pages = Array.from({ length: Math.ceil(total.size / size) }, (_, index) => index + 1);
  byId("pagination").innerHTML = pages.map(number =>
    html`<li class="${number === page ? "active" : ""}"><a href="${address(["page", number])}">${number}</a></li>`).join("");
  byId("filters").innerHTML = known.tags.map(tag =>
    html`<label class="checkbox"><input type="checkbox" value="${tag}"> ${tag}</label>`).join("");
  for (const box of document.querySelectorAll("#filters input")) box.checked = tags.split(",").includes(box.value);
}

function applyFilters() {
  const tags = Array.from(document.querySelectorAll("#filters input:checked"), box => box.value).join(",");
  location.href = `category.html?${new URLSearchParams({ tags })}`;
  return false;
}

async function showProduct() {
  const id = query.get("id");
  if (!id) return location.replace("/");
  const sock = await read(`catalogue/${encodeURIComponent(id)}`);
  byId("title").textContent = byId("breadcrumb").textContent = sock.name;
  byId("price").textContent = money(sock.price);
  byId("description").textContent = sock.description;
  byId("imageMain").onerror = event => drawSock(event.target);
  byId("imageMain").src = sock.imageUrl?.[0] ?? "";
  byId("buttonCart").setAttribute("onClick", `addToCart('${sock.id}')`);
  const related = await read(`catalogue?${new URLSearchParams({ sort: "id", size: 4, tags: sock.tag ?? "" })}`);
  byId("related").innerHTML = related.filter(other => other.id !== id).slice(0, 3).map(other => productCard(other)).join("");
}

if (byId("hot-slider")) showHot();
if (byId("products")) showCatalogue();
if (byId("productMain")) showProduct();
