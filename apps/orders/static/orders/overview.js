"use strict";

(() => {
  const PERIOD_MS = 1000;
  const POINTS_MAX = 120;
  const root = document.getElementById("overview");
  const alarm = document.getElementById("overview-alarm");
  const books = document.getElementById("overview-books");
  const line = document.querySelector("#overview-chart polyline");
  const rates = [];
  let before = null;

  const shown = (value) => (value === null || value === undefined ? "–" : value.toLocaleString("en"));

  const tile = (name, value) => {
    root.querySelector(`[data-tile="${name}"]`).textContent = value;
  };

  const alarms = (data) => {
    const found = [];
    if (data.halt !== null) found.push(`Trading is halted: ${data.halt}`);
    if (data.killed) found.push("The kill switch is on: every new order is refused.");
    if (data.writer !== "ready") found.push(`The order service is not ready: ${data.writer}.`);
    if (data.requests_to_book) found.push(`${data.requests_to_book} money requests wait for the order service.`);
    return found.join(" ");
  };

  const draw = () => {
    const most = Math.max(1, ...rates);
    const start = POINTS_MAX - rates.length;
    line.setAttribute("points", rates.map((rate, at) => `${start + at},${39 - (rate / most) * 38}`).join(" "));
  };

  const show = (data) => {
    if (before !== null && data.orders !== null) {
      const seconds = (data.at_ns - before.at_ns) / 1e9;
      const rate = seconds > 0 ? data.orders / seconds : 0;
      rates.push(rate);
      if (rates.length > POINTS_MAX) rates.shift();
      tile("orders", rate.toFixed(rate < 10 ? 1 : 0));
      draw();
    }
    before = data;
    for (const name of ["writer", "queue", "lag_batches", "sockets", "open_orders", "accounts", "batch", "sequence", "epoch"]) {
      tile(name, shown(data[name]));
    }
    tile("lag_ms", `${shown(data.lag_ms)} ms`);
    books.replaceChildren(
      ...data.books.map((book) => {
        const row = document.createElement("tr");
        for (const name of ["symbol", "market", "status", "bid_quantity", "bid", "ask", "ask_quantity", "last"]) {
          row.insertCell().textContent = book[name] ?? "–";
        }
        return row;
      }),
    );
    const text = alarms(data);
    alarm.textContent = text;
    alarm.hidden = text === "";
  };

  const poll = async () => {
    if (!document.hidden) {
      try {
        const query = before === null ? "" : `?after=${before.projected_sequence}`;
        const answer = await fetch(root.dataset.url + query, { headers: { Accept: "application/json" } });
        if (!answer.ok) throw new Error(`the venue answers ${answer.status}`);
        show(await answer.json());
      } catch (error) {
        alarm.textContent = `No numbers: ${error.message}.`;
        alarm.hidden = false;
        before = null;
      }
    }
    setTimeout(poll, PERIOD_MS);
  };

  poll();
})();
