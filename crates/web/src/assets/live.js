// Keeps pages up to date. Each page is complete without this script.

const main = document.querySelector("main");

// A page with data-refresh is fetched again every so many seconds, while it is seen and the reader is not at work in it.
function refresh() {
  const seconds = Number(main.dataset.refresh);
  if (!seconds) return;
  setInterval(async () => {
    const busy = main.contains(document.activeElement) && document.activeElement !== main;
    if (document.hidden || busy) return;
    try {
      const reply = await fetch(location.href, { redirect: "error" });
      const page = new DOMParser().parseFromString(await reply.text(), "text/html");
      const fresh = page.querySelector("main");
      if (!reply.ok || !fresh) return location.reload();
      const open = [...main.querySelectorAll("details[open]")].map((details) => details.id);
      main.replaceChildren(...fresh.childNodes);
      open.forEach((id) => main.querySelector(`details#${id}`)?.setAttribute("open", ""));
      showLocalTimes(main);
      main.classList.remove("away");
    } catch {
      main.classList.add("away");
    }
  }, seconds * 1000);
}

// Queries as they end come as rows of the table, the newest on top.
function follow() {
  const table = document.querySelector("tbody[data-events]");
  if (!table) return;
  const note = document.querySelector("#live");
  const button = document.querySelector("#pause");
  const most = Number(table.dataset.most);
  let paused = false;
  let leftOut = 0;
  button.hidden = false;
  button.addEventListener("click", () => {
    paused = !paused;
    button.textContent = paused ? "Go on" : "Pause";
    button.setAttribute("aria-pressed", String(paused));
  });
  const events = new EventSource(table.dataset.events);
  events.addEventListener("open", () => (note.textContent = "live"));
  events.addEventListener("error", () => (note.textContent = "the daemon does not answer"));
  events.addEventListener("rows", (event) => {
    if (paused) return;
    const rows = document.createElement("template");
    rows.innerHTML = event.data;
    showLocalTimes(rows.content);
    table.prepend(rows.content);
    while (table.rows.length > most) table.rows[table.rows.length - 1].remove();
  });
  events.addEventListener("left-out", (event) => {
    leftOut += Number(event.data);
    note.textContent = `live; ${leftOut} queries came too fast to be shown`;
  });
}

// Times are in UTC without this script.
function showLocalTimes(part) {
  for (const time of part.querySelectorAll("time")) {
    const date = new Date(time.dateTime);
    if (Number.isNaN(date.getTime())) continue;
    time.textContent = "day" in time.dataset ? date.toLocaleString() : date.toLocaleTimeString();
  }
}

showLocalTimes(document);
refresh();
follow();
