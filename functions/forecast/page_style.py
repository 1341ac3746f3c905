"""How the page of a forecast looks: on a screen by day and by night, and on A4."""

# The colours are Okabe and Ito's, which people tell apart who see few colours.
STYLE = """
:root{color-scheme:light dark;--ink:#1d2430;--faint:#5b6675;--line:#d5dae1;--paper:#fff;
--box:#f4f6f9;--warn:#fff4d6;--edge:#c98a00;
--c0:#0072b2;--c1:#e69f00;--c2:#009e73;--c3:#cc79a7;--c4:#56b4e9;--c5:#b34f00;--flow:#0072b233}
@media (prefers-color-scheme:dark){:root{--ink:#e6e9ee;--faint:#a3adba;--line:#3a4350;
--paper:#14181e;--box:#1e242c;--warn:#33290f;--edge:#e0a83a;--c0:#4ba3dd;--c5:#e0843a;
--flow:#4ba3dd33}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.5rem;max-width:52rem;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 .3rem}h2{font-size:1.2rem;margin:2.2rem 0 .6rem}
h3{font-size:1rem;margin:1.2rem 0 .4rem}p{margin:.3rem 0}ul{padding-left:1.2rem;margin:.5rem 0}
.when-and-how,.rule,footer{color:var(--faint)}footer,.rule{font-size:.85rem}
.tiles{display:flex;flex-wrap:wrap;gap:.7rem;margin:1.2rem 0;padding:0;list-style:none}
.tiles li{flex:1 1 8rem;background:var(--box);border-radius:.5rem;padding:.7rem .9rem}
.tiles b{display:block;font-size:1.5rem;line-height:1.2}
.tiles span{display:block;font-size:.8rem;color:var(--faint)}
.warnings{background:var(--warn);border-left:.3rem solid var(--edge);padding:.6rem 1rem;
border-radius:.3rem}.warnings h2{margin:.2rem 0}
svg{display:block;width:100%;height:auto;margin:.4rem 0;font:12px system-ui,sans-serif}
svg text{fill:var(--ink)}svg text.axis,svg text.figure{fill:var(--faint);font-size:11px}
svg text.when{font-style:italic;fill:var(--faint)}
.grid{stroke:var(--line);fill:none}.leader{stroke:var(--line);stroke-dasharray:2 3;fill:none}
.whisker{stroke:var(--ink);stroke-width:1.5;fill:none}.flow{fill:var(--flow)}
.c0{fill:var(--c0);background:var(--c0)}.c1{fill:var(--c1);background:var(--c1)}
.c2{fill:var(--c2);background:var(--c2)}.c3{fill:var(--c3);background:var(--c3)}
.c4{fill:var(--c4);background:var(--c4)}.c5{fill:var(--c5);background:var(--c5)}
.none{fill:var(--line)}.left{fill:var(--c5);background:var(--c5)}
.there{fill:var(--c3);background:var(--c3)}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;list-style:none;padding:0;font-size:.85rem}
.key{display:inline-block;width:.8rem;height:.8rem;border-radius:.15rem;margin-right:.4rem;
vertical-align:-.05rem;print-color-adjust:exact;-webkit-print-color-adjust:exact}
figure{margin:0;overflow-x:auto}figure svg{min-width:34rem}
small{display:block;color:var(--faint)}.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.85rem;margin:.4rem 0}
th,td{padding:.25rem .5rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
th{font-weight:600;color:var(--faint)}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
summary{cursor:pointer;font-size:.85rem;color:var(--faint)}
@page{size:A4;margin:16mm}
@media print{:root{color-scheme:light;--ink:#000;--faint:#444;--line:#bbb;--paper:#fff;--box:#fff;
--warn:#fff;--edge:#000;--c0:#0072b2;--c5:#b34f00;--flow:#0072b233}
body{max-width:none;padding:0;font-size:10.5pt}figure svg{min-width:0}details{display:none}
.tiles li{border:1px solid var(--line)}h2,h3{break-after:avoid}
figure,.tiles,.warnings,tr{break-inside:avoid}
svg *{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""
