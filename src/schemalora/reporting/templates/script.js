"use strict";
(() => {
  // JSON.parse rounds integers beyond 2^53: they become BigInts, which keep their digits. For that
  // each value that is a string or a number goes through it as a string that begins with s or n.
  const token = /"([^"\\]*(?:\\.[^"\\]*)*)"(\s*:)?|-?\d[\d.eE+-]*/g;
  const number = (text) => {
    const near = Number(text);
    return /^-?\d+$/.test(text) && !Number.isSafeInteger(near) ? BigInt(text) : near;
  };
  const parse = (text) => {
    JSON.parse(text);  // refuses what is no JSON
    const marked = text.replace(token, (whole, string, colon) =>
      colon !== undefined ? whole : '"' + (string === undefined ? "n" + whole : "s" + string) + '"');
    return JSON.parse(marked, (_, value) => typeof value !== "string" ? value
      : value[0] === "n" ? number(value.slice(1)) : value.slice(1));
  };
  const isNumber = (value) => typeof value === "number" || typeof value === "bigint";
  const read = (id) => parse(document.getElementById(id).textContent);
  const make = (tag, name, text) => {
    const node = document.createElement(tag);
    if (name) node.className = name;
    if (text !== undefined) node.textContent = text;
    return node;
  };

  // One arm's details at a time; without this script all of them are shown.
  const chooser = document.getElementById("choose-arm");
  if (chooser) {
    const show = () => {
      for (const part of document.querySelectorAll("[data-arm]")) {
        part.hidden = part.dataset.arm !== chooser.value;
      }
    };
    chooser.addEventListener("change", show);
    show();
  }

  const list = document.getElementById("rows");
  if (!list) return;
  const rows = read("row-data");
  const pageSize = 20;
  let page = 0;

  const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
  const has = (value, key) => Object.prototype.hasOwnProperty.call(value, key);

  // Writes a value as lines; a line that the other value does not have at its place is marked.
  const lines = (value, other, present, indent, prefix, suffix, out) => {
    const pad = "  ".repeat(indent);
    const asObject = isObject(value), asArray = Array.isArray(value);
    if (asObject || asArray) {
      const like = present && (asObject ? isObject(other) : Array.isArray(other));
      const keys = asObject ? Object.keys(value) : value.map((_, i) => i);
      const [open, close] = asObject ? ["{", "}"] : ["[", "]"];
      if (!keys.length) {
        const empty = like && !(asObject ? Object.keys(other).length : other.length);
        out.push({ text: pad + prefix + open + close + suffix, same: empty });
        return;
      }
      out.push({ text: pad + prefix + open, same: like });
      keys.forEach((key, i) => {
        const there = like && (asObject ? has(other, key) : key < other.length);
        const label = asObject ? JSON.stringify(key) + ": " : "";
        lines(value[key], there ? other[key] : undefined, there, indent + 1, label,
          i < keys.length - 1 ? "," : "", out);
      });
      out.push({ text: pad + close + suffix, same: like });
      return;
    }
    // Of a BigInt and a number, == compares the exact values, and === the types.
    const same = present && (isNumber(value) && isNumber(other) ? value == other : value === other);
    const text = isNumber(value) ? String(value) : JSON.stringify(value);
    const entry = { text: pad + prefix + text + suffix, same };
    if (!same && present && typeof value === "string" && typeof other === "string") {
      // Letters that differ: what is left between the common start and the common end.
      let start = 0, end = 0;
      const most = Math.min(value.length, other.length);
      while (start < most && value[start] === other[start]) start++;
      while (end < most - start && value[value.length - 1 - end] === other[other.length - 1 - end]) end++;
      const cut = (from, to) => JSON.stringify(value.slice(from, to)).slice(1, -1);
      entry.parts = [
        pad + prefix + '"' + cut(0, start), cut(start, value.length - end),
        cut(value.length - end, value.length) + '"' + suffix,
      ];
    }
    out.push(entry);
  };

  const block = (value, other, present, mark, sign) => {
    const pre = make("pre");
    const out = [];
    lines(value, other, present, 0, "", "", out);
    for (const line of out) {
      const node = make("span", line.same ? "" : mark);
      node.append(line.same ? "  " : sign + " ");
      if (line.parts && line.parts[1]) {
        node.append(line.parts[0], make("b", "", line.parts[1]), line.parts[2]);
      } else {
        node.append(line.text);
      }
      pre.append(node, "\n");
    }
    return pre;
  };

  const parsed = (row) => {
    if (row.completion === null || row.violations.some((one) => one.kind === "not_json")) return undefined;
    try { return parse(row.completion); } catch { return undefined; }
  };

  const card = (row) => {
    const node = make("article", "row");
    const head = make("div", "head");
    head.append(make("strong", "mono", row.id), make("span", "quiet small", row.arm));
    if (row.wrong.length) head.append(make("span", "small", "wrong: " + row.wrong.join(", ")));
    node.append(head, make("p", "text", row.text));
    if (row.violations.length) {
      const items = make("ul");
      for (const one of row.violations) {
        const item = make("li");
        item.append(make("strong", "bad", one.kind + (one.cause ? " (" + one.cause + ")" : "")),
          " ", make("code", "", one.path), one.message ? ": " + one.message : "");
        items.append(item);
      }
      node.append(items);
    }
    const got = parsed(row), comparable = got !== undefined;
    const left = make("div"), right = make("div"), sides = make("div", "sides");
    left.append(make("h4", "", "Expected"), block(row.target, got, comparable, comparable ? "taken" : "", comparable ? "−" : " "));
    if (comparable) {
      right.append(make("h4", "", "Got"), block(got, row.target, true, "given", "+"));
    } else {
      right.append(make("h4", "", row.completion === null ? "No prediction" : "Got, raw"));
      if (row.completion !== null) right.append(make("pre", "", row.completion === "" ? "(empty)" : row.completion));
    }
    sides.append(left, right);
    node.append(sides);
    if (comparable) {
      const raw = make("details");
      raw.append(make("summary", "small quiet", "Raw completion"), make("pre", "", row.completion));
      node.append(raw);
    }
    return node;
  };

  const filter = {};
  for (const name of ["arm", "slice", "field", "kind", "search"]) {
    filter[name] = document.getElementById("filter-" + name);
    filter[name]?.addEventListener("input", () => { page = 0; draw(); });
  }
  const wanted = (name) => filter[name] ? filter[name].value : "";
  const matches = (row) => {
    const slice = wanted("slice"), kind = wanted("kind"), search = wanted("search").toLowerCase();
    return (!wanted("arm") || row.arm === wanted("arm"))
      && (!slice || row.slices.includes(slice))
      && (!wanted("field") || row.wrong.includes(wanted("field")))
      && (!kind || (kind === "(compliant)" ? row.completion !== null && !row.violations.length
        : kind === "(no prediction)" ? row.completion === null
        : row.violations.some((one) => one.kind === kind)))
      && (!search || (row.id + "\n" + row.text + "\n" + (row.completion ?? "")).toLowerCase().includes(search));
  };
  const back = document.getElementById("page-back"), on = document.getElementById("page-on");
  const draw = () => {
    const found = rows.filter(matches);
    const pages = Math.max(1, Math.ceil(found.length / pageSize));
    page = Math.min(page, pages - 1);
    list.replaceChildren(...found.slice(page * pageSize, (page + 1) * pageSize).map(card));
    document.getElementById("row-count").textContent =
      found.length + " of " + rows.length + " rows, page " + (page + 1) + " of " + pages;
    back.disabled = page === 0;
    on.disabled = page >= pages - 1;
  };
  back.addEventListener("click", () => { page--; draw(); });
  on.addEventListener("click", () => { page++; draw(); });
  draw();
})();
