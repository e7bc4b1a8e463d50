"use strict";
// Follows the log of one incident, ticks its clocks, and copies commands. Without it the page says the same, as of when it was read.
(() => {
  const body = document.body;
  const rows = document.getElementById("rows");
  const announced = document.getElementById("announced");
  const connection = document.getElementById("connection");
  let offset = body.dataset.now ? Date.parse(body.dataset.now) - Date.now() : 0;

  // ── clocks ──
  const two = (number) => String(number).padStart(2, "0");
  const spoken = (seconds) => {
    if (seconds < 120) return `${Math.floor(seconds)} s`;
    const minutes = Math.floor(seconds / 60);
    if (minutes < 60) return `${minutes} min`;
    if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
    return `${Math.floor(minutes / 1440)} d ${Math.floor(minutes / 60) % 24} h`;
  };
  const say = (element, text) => {
    if (element.textContent !== text) element.textContent = text;
  };
  const tick = () => {
    const now = Date.now() + offset;
    for (const element of document.querySelectorAll("[data-since]")) {
      say(element, spoken(Math.max(0, (now - Date.parse(element.dataset.since)) / 1000)));
    }
    for (const element of document.querySelectorAll("[data-due]")) {
      const left = (Date.parse(element.dataset.due) - now) / 1000;
      say(element, left >= 0 ? `${spoken(left)} left` : `overdue by ${spoken(-left)}`);
      element.className = left >= 0 ? "left" : "late";
    }
  };
  tick();
  setInterval(tick, 1000);

  // ── commands ──
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const command = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(command.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(command);
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });

  // ── filters: the addresses work without a script, this spares the request ──
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-show]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    rows.className = `show-${link.dataset.show}`;
    for (const other of document.querySelectorAll("[data-show]")) other.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
    const address = new URL(link.href);
    address.hash = "";
    history.replaceState(null, "", address);
  });

  if (!body.dataset.events) return;

  // ── the log ──
  const parsed = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content;
  };
  // Makes one tree like another and keeps every node that is alike: focus, selection and scroll stay where they are.
  const morph = (old, fresh) => {
    if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) {
      old.replaceWith(fresh);
      return;
    }
    if (old.nodeType === Node.TEXT_NODE) {
      if (old.data !== fresh.data) old.data = fresh.data;
      return;
    }
    for (const { name, value } of [...fresh.attributes]) {
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    for (const { name } of [...old.attributes]) {
      if (!fresh.hasAttribute(name)) old.removeAttribute(name);
    }
    morphChildren(old, fresh);
  };
  const morphChildren = (old, fresh) => {
    const wanted = [...fresh.childNodes];
    const there = [...old.childNodes];
    wanted.forEach((child, index) => (there[index] ? morph(there[index], child) : old.append(child)));
    there.slice(wanted.length).forEach((child) => child.remove());
  };
  const announce = (text) => {
    const line = document.createElement("p");
    line.textContent = text;
    announced.append(line);
    while (announced.childElementCount > 30) announced.firstElementChild.remove();
  };
  // Rows are in the order of their places, which are texts, and of their names where those are the same.
  const orderOf = (row) => row.dataset.order + row.id;
  const insert = (row) => {
    const mine = orderOf(row);
    let next = null;
    for (let other = rows.lastElementChild; other && (other === row || orderOf(other) > mine); other = other.previousElementSibling) {
      if (other !== row) next = other;
    }
    if (row.parentNode !== rows || row.nextElementSibling !== next) rows.insertBefore(row, next);
  };
  const place = ({ key, html }) => {
    const fresh = parsed(html).firstElementChild;
    const old = document.getElementById(key);
    if (old && old.dataset.v === fresh.dataset.v) return;
    const row = old || fresh;
    if (old) morph(old, fresh);
    insert(row);
    row.classList.add("fresh");
    const said = `${row.querySelector(".what").textContent}${row.querySelector(".detail")?.textContent || ""}`;
    announce(old ? `Changed: ${said}` : said);
  };
  let position = Number(body.dataset.position);
  const update = (content) => {
    // Where the browser does not keep what is read in its place, it is kept here.
    const top = !CSS.supports("overflow-anchor", "auto") && rows.getBoundingClientRect().top < 0 && [...rows.children].find((row) => row.getBoundingClientRect().bottom > 0);
    const was = top && top.getBoundingClientRect().top;
    for (const key of content.gone) {
      const row = document.getElementById(key);
      if (row && row.parentNode === rows) {
        announce(`Removed: ${row.querySelector(".what").textContent}`);
        row.remove();
      }
    }
    content.rows.forEach(place);
    for (const [name, html] of Object.entries(content.parts)) {
      const part = document.querySelector(`[data-region="${name}"]`);
      if (part) morphChildren(part, parsed(html));
    }
    // This machine slept, its clock was put right, or the server's is the demo's, which runs faster.
    const read = document.querySelector(".as-of time");
    const drift = read ? Date.parse(read.dateTime) - Date.now() - offset : 0;
    if (Math.abs(drift) > 30000) offset += drift;
    document.querySelector(".none")?.remove();
    position = Math.max(position, content.position);
    body.dataset.position = position;
    if (top && top.isConnected) scrollBy({ top: top.getBoundingClientRect().top - was, behavior: "instant" });
    tick();
  };

  let source;
  let lostAt;
  const banner = (text) => {
    connection.hidden = !text;
    say(connection, text);
  };
  const lost = (why) => {
    lostAt ||= new Date();
    delete body.dataset.live;
    banner(`Not live since ${two(lostAt.getHours())}:${two(lostAt.getMinutes())}:${two(lostAt.getSeconds())}: ${why}`);
  };
  const listen = () => {
    source = new EventSource(`${body.dataset.events}?after=${position}&log=${body.dataset.log}`);
    source.addEventListener("open", () => {
      lostAt = undefined;
      body.dataset.live = "yes";
      banner("");
    });
    source.addEventListener("update", (event) => update(JSON.parse(event.data)));
    source.addEventListener("reload", () => {
      source.close();
      lost("the log was replaced. Load this page again.");
    });
    source.addEventListener("error", () => {
      if (source.readyState !== EventSource.CLOSED) {
        lost("the connection is gone, and is tried again.");
        return;
      }
      // A proxy or the server answered with an error: the browser gives up, and nothing is lost by asking again.
      lost("the server refused. It is asked again every 10 seconds; if your link has ended, ask for another one.");
      setTimeout(listen, 10000);
    });
  };
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
  listen();
})();
