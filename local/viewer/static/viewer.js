"use strict";

// Draws the panels of a page one by one, and again when it is time to. Everything is made on the server;
// what comes from there is escaped HTML, and a figure for Plotly.
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const panels = [...document.querySelectorAll(".panel")];
  const atOnce = 4;
  let round = 0;

  async function draw(panel, current) {
    const body = panel.querySelector(".body");
    const query = new URLSearchParams(location.search);
    query.set("width", Math.round(body.clientWidth));
    query.set("dark", dark.matches);
    query.set("zone", Intl.DateTimeFormat().resolvedOptions().timeZone);
    let answer;
    try {
      const path = location.pathname.split("/").slice(0, 3).join("/");
      answer = await (await fetch(`${path}/panels/${panel.dataset.panel}?${query}`)).json();
    } catch (error) {
      answer = { error: `The viewer does not answer: ${error.message}` };
    }
    if (current !== round) return;
    const old = body.querySelector(".plot");
    const hidden = new Set([...body.querySelectorAll("[aria-pressed=false]")].map((one) => one.textContent));
    if (old) Plotly.purge(old);
    panel.classList.toggle("panel-error", Boolean(answer.error));
    if (answer.error) {
      const text = document.createElement("p");
      text.className = "problem";
      text.setAttribute("role", "alert");
      text.textContent = answer.error;
      body.replaceChildren(text);
    } else {
      body.innerHTML = answer.html;
      if (answer.figure) {
        const figure = JSON.parse(answer.figure);
        const plot = body.querySelector(".plot");
        const quiet = { displayModeBar: false, responsive: true };
        await Plotly.newPlot(plot, figure.data, figure.layout, quiet);
        for (const button of body.querySelectorAll("[data-trace]")) {
          button.addEventListener("click", () => toggle(plot, button));
          if (hidden.has(button.textContent)) toggle(plot, button);
        }
      }
    }
    panel.classList.add("panel-drawn");
  }

  function toggle(plot, button) {
    const visible = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", visible);
    Plotly.restyle(plot, { visible }, [Number(button.dataset.trace)]);
  }

  async function drawAll() {
    const current = ++round;
    const waiting = [...panels];
    const work = async () => {
      while (waiting.length && current === round) await draw(waiting.shift(), current);
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    if (current === round) root.dataset.ready = "true";
  }

  // What else changes with time is taken from the page itself, fetched again.
  async function renew() {
    let text;
    try {
      const answer = await fetch(location.href);
      if (!answer.ok) return;
      text = await answer.text();
    } catch {
      return; // The panels say that the viewer does not answer.
    }
    const fresh = new DOMParser().parseFromString(text, "text/html");
    for (const part of document.querySelectorAll(".live")) {
      const now = fresh.getElementById(part.id);
      if (now && now.innerHTML !== part.innerHTML) part.replaceChildren(...now.childNodes);
    }
  }

  const refresh = () => Promise.all([drawAll(), renew()]);

  // All, or some: never both.
  for (const box of document.querySelectorAll(".choice input")) {
    box.addEventListener("change", () => {
      if (!box.checked) return;
      const all = box.value === "$__all";
      for (const other of box.closest("fieldset").querySelectorAll("input")) {
        if (other !== box && (all || other.value === "$__all")) other.checked = false;
      }
    });
  }

  // One thing that pops up at a time; Escape and a click elsewhere close it.
  const popups = [...document.querySelectorAll("details.choice, details.about")];
  const close = (but) => popups.filter((one) => one !== but && one.open).forEach((one) => (one.open = false));
  for (const popup of popups) popup.addEventListener("toggle", () => popup.open && close(popup));
  document.addEventListener("click", (event) => close(event.target.closest("details.choice, details.about")));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const open = popups.find((one) => one.open);
    if (!open) return;
    open.open = false;
    open.querySelector("summary").focus();
  });

  const every = document.getElementById("refresh");
  if (every) {
    setInterval(() => every.checked && !document.hidden && refresh(), every.dataset.seconds * 1000);
  }
  document.getElementById("refresh-now")?.addEventListener("click", refresh);
  dark.addEventListener("change", drawAll);
  drawAll();
})();
