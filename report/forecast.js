"use strict";

showForecast(JSON.parse(document.getElementById("forecast-data").textContent));

function showForecast(data) {
  const find = (id) => document.getElementById(id);
  const { storms, hours, edges } = data;
  const count = storms.number.length;
  const all = [...storms.number.keys()];
  const MOST_ROWS = 100;
  const MOST_LABELS = 5;
  const step = (probability) => edges.findLastIndex((edge) => probability >= edge);
  const place = new Map(storms.number.map((number, storm) => [number, storm]));
  const tracks = new Map();
  for (const storm of all) {
    const track = storms.track[storm];
    if (!tracks.has(track)) tracks.set(track, []);
    tracks.get(track).push(storm);
  }
  for (const track of tracks.values()) track.sort((a, b) => storms.time[a] - storms.time[b] || storms.step[a] - storms.step[b]);

  // `hour` is a number of `hours`, or -1 for all of them.
  const state = { hour: -1, least: 0, visible: false, box: null, areas: false, rows: MOST_ROWS, storm: -1 };
  const view = { x: 0, y: 0, width: data.map.width };
  const aspect = data.map.height / data.map.width;
  const panel = stormPanel(data, tracks, select);
  let matching = all;
  // The width of the map and of the bars above it, which the browser tells after its first layout.
  let pixels = 0;

  function uncertain(storm) {
    return storms.spread ? `${percent(storms.probability[storm])} (${spreadText(storms.spread[storm])})` : percent(storms.probability[storm]);
  }

  function marks(storm) {
    return (storms.outside[storm] ? "!" : "") + (data.similar?.few[storm] ? "?" : "");
  }

  // Filters.

  function isVisible(storm) {
    const [x, y] = storms.center[storm];
    const { box } = state;
    const within = (left, top, width, height) => x >= left && x <= left + width && y >= top && y <= top + height;
    if (box && !within(box.x, box.y, box.width, box.height)) return false;
    return !state.visible || within(view.x, view.y, view.width, view.width * aspect);
  }

  function onMap(storm) {
    return (state.hour < 0 || storms.hour[storm] === state.hour) && storms.probability[storm] >= state.least;
  }

  function update() {
    matching = all.filter((storm) => onMap(storm) && isVisible(storm));
    state.rows = MOST_ROWS;
    showList();
    showLabels();
    showMoves();
    const conditions = [];
    if (state.hour >= 0) conditions.push(hours[state.hour].label);
    if (state.least > 0) conditions.push(`${find("least").selectedOptions[0].textContent}`);
    if (state.box) conditions.push("in the box");
    if (state.visible) conditions.push("in the visible map");
    const text = conditions.length ? `: ${conditions.join(", ")}` : "";
    find("status").textContent = `${grouped(matching.length)} of ${grouped(count)} storms${text}.`;
  }

  // The map.

  const map = find("map");

  function dot(storm) {
    return `M${storms.center[storm].join(",")}h0`;
  }

  // Draw storms, tracks and areas of the chosen hour, the most probable last and so on top.
  function drawMap() {
    const shown = all.filter(onMap);
    const shapes = shown.map((storm) => {
      const outline = storms.outline[storm];
      const kind = `storm p${step(storms.probability[storm])}${outline ? "" : " point"}`;
      return shape("path", { d: outline || dot(storm), class: kind, "data-storm": storm });
    });
    find("outlines").replaceChildren(...shapes.reverse());
    find("edges").setAttribute("d", shown.filter((storm) => step(storms.probability[storm]) > 0 || !storms.outline[storm]).map((storm) => storms.outline[storm] || dot(storm)).join(""));
    const parts = edges.map(() => "");
    for (const track of new Set(shown.map((storm) => storms.track[storm]))) {
      const own = tracks.get(track);
      for (let i = 1; i < own.length; i += 1) {
        const [start, end] = [own[i - 1], own[i]].map((storm) => storms.center[storm].join(","));
        parts[step(storms.probability[own[i]])] += `M${start}L${end}`;
      }
    }
    const lines = parts.flatMap((path, number) => (path && number > 0 ? [["under", path]] : []).concat(path ? [[`p${number}`, path]] : []));
    find("tracks").replaceChildren(...lines.map(([kind, path]) => shape("path", { d: path, class: `track ${kind}` })));
    const areas = state.areas && state.hour >= 0 ? (data.map.areas[state.hour] ?? []) : [];
    find("areas").replaceChildren(...areas.map(([number, path]) => shape("path", { d: path, class: `area p${number}` })));
  }

  function setView(x, y, width) {
    view.width = Math.min(data.map.width, Math.max(data.map.width / 80, width));
    view.x = Math.min(data.map.width - view.width, Math.max(0, x));
    view.y = Math.min(data.map.height - view.width * aspect, Math.max(0, y));
    map.setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${view.width * aspect}`);
    if (!pixels) return;
    showScale();
    showMarked();
    if (state.visible) update();
    else showLabels();
  }

  // Zoom so that the point at a share of the map's width and height stays where it is.
  function zoom(factor, across = 0.5, down = 0.5) {
    const width = Math.min(data.map.width, Math.max(data.map.width / 80, view.width * factor));
    const change = view.width - width;
    setView(view.x + across * change, view.y + down * aspect * change, width);
  }

  function unitsPerPixel() {
    return view.width / pixels;
  }

  function kilometersPerPixel() {
    return unitsPerPixel() / data.map.units_per_km;
  }

  function showScale() {
    const kilometers = 120 * kilometersPerPixel();
    const length = roundLength(kilometers);
    const bar = find("map-scale");
    bar.style.setProperty("--length", `${(120 * length) / kilometers}px`);
    bar.firstElementChild.textContent = `${length}\u00a0km`;
    // Storms that are only a few pixels wide get a broad line in their color.
    map.classList.toggle("coarse", kilometersPerPixel() > 2);
  }

  // Name the most probable storms, unless their names would overlap.
  function showLabels() {
    if (!pixels) return;
    const unit = unitsPerPixel();
    const taken = [];
    const labels = [];
    for (const storm of matching) {
      if (labels.length === MOST_LABELS) break;
      const text = `${storms.number[storm]}: ${percent(storms.probability[storm])}`;
      const [x, y] = storms.center[storm];
      const box = { left: x - 4.5 * text.length * unit, right: x + 4.5 * text.length * unit, top: y - 30 * unit, bottom: y - 8 * unit };
      const outside = box.left < view.x || box.right > view.x + view.width || box.top < view.y || y > view.y + view.width * aspect;
      if (outside || taken.some((one) => box.left < one.right && box.right > one.left && box.top < one.bottom && box.bottom > one.top)) continue;
      taken.push(box);
      labels.push(shape("text", { x, y: y - 13 * unit, "font-size": 13 * unit, "stroke-width": 3.5 * unit }, text));
    }
    find("labels").replaceChildren(...labels);
  }

  // The selected storm has a thick outline, or a ring around it if it is small.
  function showMarked() {
    if (state.storm < 0 || !pixels) return;
    const [x, y] = storms.center[state.storm];
    const radius = 14 * unitsPerPixel();
    const ring = `M${x - radius},${y}a${radius},${radius} 0 1 0 ${2 * radius},0a${radius},${radius} 0 1 0 ${-2 * radius},0`;
    find("marked").setAttribute("d", kilometersPerPixel() > 0.7 ? ring : storms.outline[state.storm] || ring);
  }

  function eventPlace(event) {
    const frame = map.getBoundingClientRect();
    const [across, down] = [(event.clientX - frame.left) / frame.width, (event.clientY - frame.top) / frame.height];
    return { across, down, x: view.x + across * view.width, y: view.y + down * view.width * aspect };
  }

  function stormsAt(event) {
    const found = document.elementsFromPoint(event.clientX, event.clientY).filter((element) => element.matches(".storm"));
    return found.map((element) => Number(element.dataset.storm));
  }

  function setBox(box) {
    state.box = box;
    const shown = find("box");
    shown.toggleAttribute("hidden", !box);
    for (const [name, value] of Object.entries(box ?? {})) shown.setAttribute(name, value);
  }

  function drawBox(on) {
    find("draw-box").setAttribute("aria-pressed", String(on));
    find("map-frame").classList.toggle("drawing", on);
  }

  function listenToMap() {
    const frame = find("map-frame");
    const pointers = new Map();
    let start = null;
    let moved = false;
    const drawing = () => frame.classList.contains("drawing");
    map.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      map.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, event);
      start = eventPlace(event);
      moved = false;
      find("map-tip").hidden = true;
    });
    map.addEventListener("pointermove", (event) => {
      if (!pointers.has(event.pointerId)) {
        showTip(event);
        return;
      }
      const last = pointers.get(event.pointerId);
      if (Math.hypot(event.clientX - last.clientX, event.clientY - last.clientY) < (moved ? 1 : 4)) return;
      moved = true;
      if (pointers.size === 2) {
        const [other] = [...pointers].filter(([id]) => id !== event.pointerId).map(([, value]) => value);
        const distance = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) || 1;
        const middle = eventPlace({ clientX: (event.clientX + other.clientX) / 2, clientY: (event.clientY + other.clientY) / 2 });
        zoom(distance(last) / distance(event), middle.across, middle.down);
      } else if (drawing()) {
        const end = eventPlace(event);
        setBox({ x: Math.min(start.x, end.x), y: Math.min(start.y, end.y), width: Math.abs(end.x - start.x), height: Math.abs(end.y - start.y) });
      } else {
        const unit = unitsPerPixel();
        setView(view.x - (event.clientX - last.clientX) * unit, view.y - (event.clientY - last.clientY) * unit, view.width);
      }
      pointers.set(event.pointerId, event);
    });
    const finish = (event) => {
      if (!pointers.delete(event.pointerId) || event.type === "pointercancel") return;
      if (drawing() && moved) {
        drawBox(false);
        update();
      } else if (!moved) {
        // A click on overlapping storms selects the one below that which is selected.
        const here = stormsAt(event);
        if (here.length) select(here[(here.indexOf(state.storm) + 1) % here.length]);
      }
    };
    map.addEventListener("pointerup", finish);
    map.addEventListener("pointercancel", finish);
    map.addEventListener("pointerleave", () => { find("map-tip").hidden = true; });
    // The wheel scrolls the page unless the map was clicked before.
    frame.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && document.activeElement !== frame) return;
      event.preventDefault();
      const { across, down } = eventPlace(event);
      zoom(event.deltaY > 0 ? 1.25 : 0.8, across, down);
    }, { passive: false });
    frame.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const moves = { ArrowLeft: [-0.15, 0], ArrowRight: [0.15, 0], ArrowUp: [0, -0.15], ArrowDown: [0, 0.15] };
      const zooms = { "+": 0.7, "=": 0.7, "-": 1 / 0.7 };
      if (moves[event.key]) {
        const [across, down] = moves[event.key];
        setView(view.x + across * view.width, view.y + down * view.width * aspect, view.width);
      } else if (zooms[event.key]) zoom(zooms[event.key]);
      else if (event.key === "0") setView(0, 0, data.map.width);
      else return;
      event.preventDefault();
    });
    find("zoom-in").addEventListener("click", () => zoom(0.7));
    find("zoom-out").addEventListener("click", () => zoom(1 / 0.7));
    find("zoom-all").addEventListener("click", () => setView(0, 0, data.map.width));
  }

  function showTip(event) {
    const tip = find("map-tip");
    const [storm] = stormsAt(event);
    tip.hidden = storm === undefined;
    if (tip.hidden) return;
    tip.textContent = `Storm ${storms.number[storm]}: ${uncertain(storm)}, ${data.windows[storms.window[storm]]}`;
    const frame = find("map-frame").getBoundingClientRect();
    tip.style.left = `${Math.min(event.clientX - frame.left + 12, frame.width - tip.offsetWidth - 4)}px`;
    tip.style.top = `${Math.max(event.clientY - frame.top - 34, 2)}px`;
  }

  // The hours.

  function drawHours() {
    if (!pixels) return;
    const bars = find("hour-bars");
    const [width, height] = [pixels, 92];
    bars.setAttribute("viewBox", `0 0 ${width} ${height}`);
    bars.replaceChildren();
    // The middle of the slider's thumb moves between these two places.
    const [first, last] = [8, width - 8];
    const spacing = (last - first) / hours.length;
    const most = Math.max(...hours.map((hour) => hour.high ?? hour.expected), 0.1);
    const at = (value) => 74 - (58 * value) / most;
    const every = Math.ceil(26 / spacing);
    hours.forEach((hour, number) => {
      const x = first + spacing * (number + 1);
      const half = Math.min(0.36 * spacing, 14);
      const kind = number === state.hour ? "bar chosen" : "bar";
      add(bars, "rect", { x: x - half, width: 2 * half, y: at(hour.expected), height: 74 - at(hour.expected), class: kind });
      if (hour.high !== null) add(bars, "path", { d: `M${x},${at(hour.low)}V${at(hour.high)}`, class: "whisker" });
      // The first label would overlap with that of all hours.
      if ((number + 1) % every !== 0) return;
      add(bars, "text", { x, y: at(hour.high ?? hour.expected) - 3, "text-anchor": "middle" }, hour.expected.toFixed(hour.expected < 10 ? 1 : 0));
      add(bars, "text", { x, y: 88, "text-anchor": "middle" }, hour.short);
    });
    add(bars, "text", { x: 0, y: 88, class: state.hour < 0 ? "chosen" : "" }, "All");
    bars.onclick = (event) => {
      const number = Math.round((event.clientX - bars.getBoundingClientRect().left - first) / spacing);
      setHour(Math.max(0, Math.min(hours.length, number)) - 1);
    };
  }

  function hourText() {
    const { label, storms: number, expected, low, high } = state.hour < 0 ? { label: "all", ...data.total } : hours[state.hour];
    const amount = (value) => value.toFixed(expected < 10 ? 1 : 0);
    const range = low === null ? "" : ` (${amount(low)}–${amount(high)})`;
    return `${label}: ${number === 1 ? "1 storm" : `${grouped(number)} storms`}, ${amount(expected)}${range} expected with the event`;
  }

  function setHour(hour) {
    state.hour = hour;
    const slider = find("hour");
    slider.value = String(hour + 1);
    slider.setAttribute("aria-valuetext", hourText());
    find("hour-text").textContent = hourText();
    drawHours();
    drawMap();
    update();
    // Another hour has other storms; show the most probable of them.
    if (state.storm >= 0 && matching.length && !matching.includes(state.storm)) select(matching[0]);
  }

  // The list.

  function showList() {
    const body = find("list").tBodies[0];
    const rows = matching.slice(0, state.rows).map((storm) => {
      const row = document.createElement("tr");
      row.dataset.storm = storm;
      const link = document.createElement("a");
      link.href = `#storm=${storms.number[storm]}`;
      link.textContent = storms.number[storm];
      const swatch = document.createElement("span");
      swatch.className = `swatch p${step(storms.probability[storm])}`;
      const texts = [[link, marks(storm) ? ` ${marks(storm)}` : ""], [swatch, percent(storms.probability[storm])]];
      if (storms.spread) texts.push([spreadText(storms.spread[storm])]);
      texts.push([data.windows[storms.window[storm]].replace(" UTC", "")]);
      texts.forEach((content, column) => {
        const cell = document.createElement(column ? "td" : "th");
        if (column === 0) cell.scope = "row";
        if (column > 0 && column < texts.length - 1) cell.className = "number";
        cell.append(...content);
        row.append(cell);
      });
      return row;
    });
    body.replaceChildren(...rows);
    const rest = matching.length - rows.length;
    find("more").hidden = rest <= 0;
    find("more").textContent = rest > MOST_ROWS ? `Show ${MOST_ROWS} of ${grouped(rest)} more` : `Show ${rest} more`;
    markRow();
  }

  function markRow() {
    for (const row of find("list").tBodies[0].rows) {
      const chosen = Number(row.dataset.storm) === state.storm;
      row.classList.toggle("chosen", chosen);
      const link = row.querySelector("a");
      if (chosen) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }

  function listenToList() {
    const list = find("list");
    list.addEventListener("click", (event) => {
      const row = event.target.closest("tbody tr");
      if (!row || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      select(Number(row.dataset.storm));
    });
    list.addEventListener("keydown", (event) => {
      const row = event.target.closest("tbody tr");
      const next = { ArrowDown: row?.nextElementSibling, ArrowUp: row?.previousElementSibling }[event.key];
      if (!next) return;
      event.preventDefault();
      next.querySelector("a").focus();
      select(Number(next.dataset.storm));
    });
    find("more").addEventListener("click", () => {
      state.rows += MOST_ROWS;
      showList();
    });
  }

  // The selected storm.

  function select(storm) {
    state.storm = storm;
    history.replaceState(null, "", `#storm=${storms.number[storm]}`);
    showStorm();
  }

  function showStorm() {
    const { storm } = state;
    const window = data.windows[storms.window[storm]];
    const title = `Storm ${storms.number[storm]}, ${window}: ${uncertain(storm)}`;
    find("storm-section").hidden = false;
    find("storm").textContent = title;
    find("selected-link").textContent = `Selected: storm ${storms.number[storm]}, ${window}, ${uncertain(storm)}. Fields, track and reasons are below.`;
    markRow();
    showMarked();
    panel.show(storm);
    showMoves();
  }

  function showMoves() {
    const { storm } = state;
    if (storm < 0) return;
    const listed = matching.indexOf(storm);
    find("previous").disabled = listed <= 0;
    find("next").disabled = matching.length === 0 || listed === matching.length - 1;
    const own = tracks.get(storms.track[storm]);
    find("earlier").disabled = own[0] === storm;
    find("later").disabled = own[own.length - 1] === storm;
  }

  function addLeast() {
    const options = [[0, "all"], ...edges.slice(1).map((edge) => [edge, `${100 * edge} % or more`])];
    for (const { name, value, text } of data.thresholds) options.push([value, `${text} or more (${name})`]);
    find("least").append(...options.map(([value, text]) => new Option(text, String(value))));
  }

  // Return the storm of the address, -1 if it names none, undefined if it is not on the page.
  function addressed() {
    const found = /^#storm=(\d+)$/.exec(location.hash);
    return found ? place.get(Number(found[1])) : -1;
  }

  function follow() {
    const storm = addressed();
    if (storm === -1) return false;
    if (storm === undefined) {
      find("status").textContent = `Storm ${location.hash.split("=")[1]} is not on this page.`;
      return false;
    }
    select(storm);
    find("storm-section").scrollIntoView();
    return true;
  }

  map.querySelector(".country").setAttribute("d", data.map.countries);
  map.querySelector(".state").setAttribute("d", data.map.states);
  find("forecast-app").hidden = false;
  addLeast();
  listenToMap();
  listenToList();
  find("hour").addEventListener("input", () => setHour(Number(find("hour").value) - 1));
  find("least").addEventListener("change", () => {
    state.least = Number(find("least").value);
    drawMap();
    update();
  });
  find("visible").addEventListener("change", () => {
    state.visible = find("visible").checked;
    update();
  });
  find("draw-box").addEventListener("click", () => {
    drawBox(!find("map-frame").classList.contains("drawing"));
    setBox(null);
    update();
  });
  find("areas-shown")?.addEventListener("change", () => {
    state.areas = find("areas-shown").checked;
    if (state.areas && state.hour < 0) setHour(storms.hour[0]);
    else drawMap();
  });
  find("reset").addEventListener("click", () => {
    find("least").value = "0";
    find("visible").checked = false;
    Object.assign(state, { least: 0, visible: false });
    drawBox(false);
    setBox(null);
    setView(0, 0, data.map.width);
    setHour(-1);
  });
  for (const [id, move] of [["previous", -1], ["next", 1]]) {
    find(id).addEventListener("click", () => select(matching[Math.max(0, matching.indexOf(state.storm) + move)]));
  }
  for (const [id, move] of [["earlier", -1], ["later", 1]]) {
    find(id).addEventListener("click", () => {
      const own = tracks.get(storms.track[state.storm]);
      select(own[own.indexOf(state.storm) + move]);
    });
  }
  window.addEventListener("hashchange", follow);
  new ResizeObserver(([{ contentRect }]) => {
    pixels = contentRect.width;
    drawHours();
    setView(view.x, view.y, view.width);
  }).observe(find("map-frame"));
  setHour(-1);
  setView(0, 0, data.map.width);
  if (!follow()) {
    state.storm = 0;
    showStorm();
  }
}
