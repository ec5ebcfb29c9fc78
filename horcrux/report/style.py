"""The report's style sheet: light and dark, wide and narrow, and on paper."""

CSS = """
:root{color-scheme:light dark;--paper:#fbfbf9;--card:#fff;--ink:#1d2330;--soft:#667085;--line:#e4e6ea;
--good:#1a7f4b;--warn:#b25e09;--bad:#c4262e;--bar:#3b6fd4;--track:#e9ecf1;--mark:#8a5cd1;
--c0:#3b6fd4;--c1:#e07b1f;--c2:#1a9a6c;--c3:#c0399f;--c4:#8a6d1d;--c5:#0d94b4;--c6:#d3453d;--c7:#7a5cd6}
@media (prefers-color-scheme:dark){:root{--paper:#12151c;--card:#1a1f29;--ink:#e6e9ef;--soft:#98a2b3;
--line:#2a313d;--good:#4cc38a;--warn:#f0a44b;--bad:#ff6b6b;--bar:#6c9bf5;--track:#2a313d;--mark:#b794f4;
--c0:#6c9bf5;--c1:#f0a44b;--c2:#4cc38a;--c3:#e879c7;--c4:#d4b44a;--c5:#4cc9e0;--c6:#ff7b72;--c7:#a78bfa}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",
Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}
main{max-width:1120px;margin:0 auto;padding:36px 24px 56px}
h1{font-size:28px;line-height:1.2;margin:0;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{font-size:19px;margin:44px 0 12px;padding-top:20px;border-top:1px solid var(--line)}
h3{font-size:16px;margin:0;overflow-wrap:anywhere}
h4{font-size:13px;font-weight:600;margin:0 0 4px;color:var(--soft)}
p{margin:0 0 8px}
.soft,.note{color:var(--soft)}.note{font-size:13px}.made{margin-top:28px}.cards+.note{margin-top:14px}
.lead{font-size:18px;line-height:1.55;margin:18px 0 22px;max-width:46em;overflow-wrap:anywhere}
.cards{display:grid;grid-template-columns:repeat(4,1fr);gap:14px}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 16px}
.card b{display:block;font-size:24px;line-height:1.25;font-weight:650;letter-spacing:-.01em}
.card span{font-size:13px;color:var(--soft)}
.good{color:var(--good)}.warn{color:var(--warn)}.bad{color:var(--bad)}
.advice{list-style:none;margin:0;padding:0}
.advice li{background:var(--card);border:1px solid var(--line);border-left:4px solid var(--good);
border-radius:6px;padding:10px 14px;margin:0 0 8px;overflow-wrap:anywhere}
.advice .act{border-left-color:var(--bad)}.advice .watch{border-left-color:var(--warn)}
.advice b{margin-right:8px}
.wide{overflow-x:auto;margin:0 0 10px}code{font:.92em ui-monospace,Menlo,Consolas,monospace}
table{border-collapse:collapse;width:100%;font-size:14px}
th{font-weight:500;color:var(--soft);text-align:left;font-size:13px;white-space:nowrap}
th,td{padding:7px 14px 7px 0;border-bottom:1px solid var(--line)}
td{white-space:nowrap}td.text{white-space:normal;overflow-wrap:anywhere;min-width:7em}
.n{text-align:right}
.app{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px 18px 10px;
margin:0 0 14px;break-inside:avoid}
.head{display:flex;flex-wrap:wrap;gap:2px 16px;align-items:baseline;margin:0 0 12px}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(270px,100%),1fr));gap:10px 22px}
figure{margin:0;min-width:0;break-inside:avoid}
.key{display:flex;flex-wrap:wrap;gap:2px 12px;font-size:12px;color:var(--soft);min-height:18px}
.key i{display:inline-block;width:12px;height:3px;border-radius:2px;margin:0 5px 3px 0;
vertical-align:middle}
.none{border:1px dashed var(--line);border-radius:8px;color:var(--soft);font-size:13px;
padding:34px 12px;text-align:center}
svg.chart{display:block;width:100%;height:auto;overflow:visible}
.chart .background{fill:none}
.chart text{fill:var(--soft);font:11px system-ui,sans-serif}
.chart .axis .line,.chart .guide{stroke:var(--line);fill:none}
.chart .axis.x path,.chart .axis.y .line:not(.guide){stroke:none}
.chart .axis.x text{text-anchor:middle}.chart .axis.y text{text-anchor:end}
.chart .series .line{fill:none;stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}
.chart .area{opacity:.13}
.chart .mark line{stroke:var(--mark);stroke-dasharray:3 3}
.chart .mark text{fill:var(--mark);font-size:10px;font-weight:600}
.bar{display:inline-block;width:84px;height:8px;border-radius:4px;background:var(--track);
margin-right:8px;vertical-align:1px;overflow:hidden}
.bar i{display:block;height:100%;background:var(--bar)}.bar.warn i{background:var(--warn)}
.bar.bad i{background:var(--bad)}
.time{position:relative;height:12px;min-width:180px;background:var(--track);border-radius:3px}
.time i{position:absolute;top:0;bottom:0;min-width:2px;border-radius:2px;background:var(--soft)}
.time .critical{background:var(--bad)}.time .warning{background:var(--warn)}
.ends{display:flex;justify-content:space-between;gap:8px}
@media (max-width:820px){.cards{grid-template-columns:repeat(2,1fr)}}
@media (max-width:520px){main{padding:22px 14px 40px}h1{font-size:23px}.lead{font-size:16px}
.card{padding:11px 12px}.card b{font-size:19px}.app{padding:14px 12px 6px}}
@media print{:root{--paper:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#ccc;--track:#e5e5e5}
main{max-width:none;padding:0}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
h2{break-after:avoid}tr,.advice li{break-inside:avoid}}
""" + "".join(
    f".chart .serie-{i} .line{{stroke:var(--c{i})}}.chart .serie-{i} .area{{fill:var(--c{i})}}"
    f".k{i}{{background:var(--c{i})}}\n"
    for i in range(8)
)
