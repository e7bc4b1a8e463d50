"""How the page looks: on a phone and on a desk, by day and by night, and on paper."""

STYLE = """\
:root {
  --ink: #22262b; --dim: #5b636d; --line: #dfe2e6; --ground: #ffffff; --raised: #f6f7f9; --link: #0b57b0; --hand: #b7791f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e4e7eb; --dim: #a3abb5; --line: #363c44; --ground: #16191d; --raised: #1f2329; --link: #7ab7ff; --hand: #d9a441;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
  overflow-wrap: anywhere;
}
main, nav { max-width: 62rem; margin: 0 auto; padding: 0 1rem; }
main { padding-bottom: 4rem; }
nav { border-bottom: 1px solid var(--line); padding-top: .6rem; padding-bottom: .6rem; }
nav ul { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: .2rem 1rem; font-size: .9rem; }
nav a { display: inline-block; padding: .25rem 0; }
a { color: var(--link); }
h1, h2, h3, h4 { line-height: 1.25; scroll-margin-top: 1rem; }
h1 { font-size: 1.7rem; margin: 1.4rem 0 .4rem; }
h2 { font-size: 1.3rem; margin: 2.4rem 0 .6rem; padding-top: .8rem; border-top: 1px solid var(--line); }
h3 { font-size: 1.08rem; margin: 1.6rem 0 .5rem; }
h4 { font-size: 1rem; margin: 1.2rem 0 .4rem; }
p, ul, ol { margin: .6rem 0; }
li { margin: .25rem 0; }
li > em:last-child, main > p:first-of-type em { color: var(--dim); }
code { font: .88em/1.4 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; background: var(--raised); padding: .1em .3em; border-radius: .25em; }
pre { overflow-x: auto; background: var(--raised); padding: .7rem; border-radius: .4rem; }
pre code { background: none; padding: 0; }
blockquote { margin: .6rem 0; padding: .1rem .9rem; border-left: 3px solid var(--line); color: var(--dim); }
hr { border: 0; border-top: 1px solid var(--line); margin: 2.4rem 0 1rem; }
hr ~ p { font-size: .85rem; color: var(--dim); }
.table { overflow-x: auto; margin: .8rem 0; }
.table:focus-visible { outline: 2px solid var(--link); }
table { border-collapse: collapse; font-size: .9rem; min-width: 100%; overflow-wrap: normal; }
th, td { text-align: left; vertical-align: top; padding: .4rem .7rem .4rem 0; border-bottom: 1px solid var(--line); }
td { min-width: 4.2rem; }
table:has(td code) td:nth-child(2) { min-width: 12rem; overflow-wrap: anywhere; }
td strong:only-child { white-space: nowrap; }
th { color: var(--dim); font-weight: 600; white-space: nowrap; }
td code { white-space: nowrap; }
.picture { display: block; overflow-x: auto; background: #ffffff; border: 1px solid var(--line); border-radius: .4rem; }
.picture svg, .picture img { display: block; width: 100%; min-width: 36rem; height: auto; }
.by-hand { border-left: 3px solid var(--hand); padding-left: .9rem; margin: 1rem 0; }
@media (max-width: 40rem) {
  body { font-size: 15px; }
  h1 { font-size: 1.4rem; }
}
@media print {
  :root { color-scheme: light; --ink: #000000; --dim: #444444; --line: #bbbbbb; --ground: #ffffff; --raised: #f3f3f3; --link: #000000; }
  body { font-size: 10pt; }
  nav { display: none; }
  main { max-width: none; padding: 0; }
  .table, .picture { overflow: visible; }
  .picture svg, .picture img { min-width: 0; }
  table { font-size: 8pt; overflow-wrap: anywhere; }
  td, table:has(td code) td:nth-child(2) { min-width: 0; }
  h2, h3 { break-after: avoid; }
  tr, .picture, blockquote { break-inside: avoid; }
}
"""
