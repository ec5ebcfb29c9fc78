// Small helpers over the DOM. Data only ever gets in as text; what is the same is not touched.

export const byId = (id) => document.getElementById(id);

/** An element with a class and children; strings become text. */
export function el(name, className = "", ...children) {
  const node = document.createElement(name);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

export function setText(node, text) {
  const wanted = String(text);
  if (node.textContent !== wanted) node.textContent = wanted;
}

export function setData(node, key, value) {
  if (node.dataset[key] !== String(value)) node.dataset[key] = value;
}

export function setAttribute(node, name, value) {
  if (value === null) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

export function show(node, visible) {
  if (node.hidden === visible) node.hidden = !visible;
}

/** Only what a browser may safely follow. */
export function safeUrl(text) {
  return /^https?:\/\//i.test(text || "") ? text : "";
}

/**
 * Keep `container`'s children true to `items`: `make(item)` gives {node, update(item)} for a new key,
 * nodes are moved only when the order differs, and removed with their item.
 */
export class Keyed {
  constructor(container, key, make) {
    Object.assign(this, { container, key, make, parts: new Map() });
  }

  update(items) {
    const seen = new Set();
    let next = this.container.firstElementChild;
    for (const item of items) {
      const key = this.key(item);
      if (seen.has(key)) continue;
      seen.add(key);
      let part = this.parts.get(key);
      if (!part) this.parts.set(key, (part = this.make(item)));
      part.update(item);
      if (part.node === next) next = next.nextElementSibling;
      else this.container.insertBefore(part.node, next);
    }
    for (const [key, part] of this.parts) {
      if (seen.has(key)) continue;
      part.node.remove();
      this.parts.delete(key);
    }
  }
}
