// Numbers and times as people read them. What is not known is a dash.

export const NONE = "–";
const BYTES = ["B", "kB", "MB", "GB", "TB"];
const clock = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const seconds = new Intl.DateTimeFormat(undefined, { timeStyle: "medium", hour12: false });
const hours = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  hour12: false,
});

const known = (value) => typeof value === "number" && Number.isFinite(value);

/** Three digits at most that mean something: 0.42, 4.2, 42, 4,200. */
function digits(value) {
  const size = Math.abs(value);
  if (size >= 100 || value === 0) return Math.round(value).toLocaleString("en");
  return value.toFixed(size >= 10 ? 0 : size >= 1 ? 1 : 2);
}

export function rate(value) {
  if (!known(value)) return NONE;
  return value > 0 && value < 0.01 ? "<0.01/s" : `${digits(value)}/s`;
}

export function percent(value) {
  if (!known(value)) return NONE;
  const hundredth = value * 100;
  if (hundredth > 0 && hundredth < 0.01) return "<0.01 %";
  return `${hundredth === 0 ? 0 : hundredth.toFixed(hundredth >= 10 ? 0 : hundredth >= 1 ? 1 : 2)} %`;
}

export const wholePercent = (value) => (known(value) ? `${Math.round(value * 100)} %` : NONE);

export function duration(seconds) {
  if (!known(seconds)) return NONE;
  if (seconds >= 1) return `${seconds.toFixed(seconds >= 10 ? 0 : 1)} s`;
  const ms = seconds * 1000;
  return `${ms.toFixed(ms >= 10 || ms === 0 ? 0 : 1)} ms`;
}

export function bytes(value) {
  if (!known(value)) return NONE;
  let unit = 0;
  let size = value;
  while (size >= 999.5 && unit < BYTES.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${size.toFixed(size >= 10 || unit === 0 ? 0 : 1)} ${BYTES[unit]}`;
}

export const byteRate = (value) => (known(value) ? `${bytes(value)}/s` : NONE);

/** For how long: 34 s, 12 min, 3 h 5 min, 2 d. */
export function span(seconds) {
  if (!known(seconds)) return NONE;
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  if (whole < 86400) {
    const minutes = Math.floor((whole % 3600) / 60);
    return `${Math.floor(whole / 3600)} h${minutes ? ` ${minutes} min` : ""}`;
  }
  return `${Math.floor(whole / 86400)} d`;
}

/** What is left of a time, to the second: 42 s, 2 min 5 s, 1 h 3 min. */
export function countdown(seconds) {
  if (!known(seconds)) return NONE;
  const whole = Math.max(0, Math.ceil(seconds));
  const rest = whole % 60;
  return whole < 60 || whole >= 3600 || !rest ? span(whole) : `${span(whole)} ${rest} s`;
}

/** A number whose unit nobody tells: 0.0042, 42, 4,200. */
export const plain = (value) =>
  known(value) ? value.toLocaleString("en", { maximumSignificantDigits: 4 }) : NONE;

export function ago(time, now) {
  if (!known(time)) return NONE;
  return now - time < 1 ? "now" : `${span(now - time)} ago`;
}

export const moment = (time) => (known(time) ? clock.format(time * 1000) : NONE);
export const timeWithSeconds = (time) => seconds.format(time * 1000);
export const timeOfDay = (time) => hours.format(time * 1000);
export const count = (number, one, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;
export const releaseName = (release) =>
  known(release.number) ? `r${release.number}` : release.release || release.service;
