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
main { max-width: 62rem; margin: 0 auto; padding: 0 1rem 4rem; }
nav { position: sticky; top: 0; z-index: 1; background: var(--ground); border-bottom: 1px solid var(--line); padding: .3rem 1rem; overflow-x: auto; }
nav ul { list-style: none; margin: 0; padding: 0; display: flex; gap: .2rem 1rem; font-size: .9rem; white-space: nowrap; }
nav a { display: inline-block; padding: .25rem 0; text-decoration: none; }
a { color: var(--link); }
h1, h2, h3, h4 { line-height: 1.25; scroll-margin-top: 3rem; }
h1 { font-size: 1.6rem; margin: 1rem 0 .2rem; }
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
.picture svg, .picture img { display: block; width: 100%; height: auto; }
.narrow { display: none; }
.first-screen { font-size: .97rem; line-height: 1.45; }
.first-screen h2 { margin: .4rem 0; padding: 0; border: 0; font-size: 1.1rem; color: var(--dim); }
.first-screen ul { padding-left: 1.2rem; margin: .4rem 0; }
.first-screen li { margin: .15rem 0; }
.first-screen .picture { max-width: 46rem; }
details { margin: 1.2rem 0; border-top: 1px solid var(--line); padding-top: .6rem; }
summary { cursor: pointer; font-size: 1.15rem; font-weight: 600; scroll-margin-top: 3rem; }
details details summary { font-size: 1rem; }
summary:focus-visible { outline: 2px solid var(--link); }
details > h2, details details > h3 { position: absolute; width: 1px; height: 1px; margin: 0; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (min-width: 76rem) {
  body { display: grid; grid-template-columns: 14rem minmax(0, 62rem); gap: 0 1.5rem; }
  nav { align-self: start; border: 0; max-height: 100vh; overflow: auto; padding: 1.2rem 0 1rem 1.2rem; }
  nav ul { display: block; white-space: normal; }
  main { margin: 0; }
  h1, h2, h3, h4, summary { scroll-margin-top: 1rem; }
}
@media (prefers-color-scheme: dark) {
  /* Pictures are drawn on white: turned over, their colours keep their hue. */
  .picture { background: #16191d; }
  .picture svg, .picture img { filter: invert(.91) hue-rotate(180deg); }
}
.by-hand { border-left: 3px solid var(--hand); padding-left: .9rem; margin: 1rem 0; }
@media (max-width: 40rem) {
  body { font-size: 15px; }
  h1 { font-size: 1.4rem; }
}
@media screen and (max-width: 44rem) {
  .wide { display: none; }
  .narrow { display: block; max-width: 28rem; }
}
@media print {
  :root { color-scheme: light; --ink: #000000; --dim: #444444; --line: #bbbbbb; --ground: #ffffff; --raised: #f3f3f3; --link: #000000; }
  body { font-size: 10pt; }
  nav, summary { display: none; }
  details::details-content { content-visibility: visible; display: block; block-size: auto; }
  details > h2, details details > h3 { position: static; width: auto; height: auto; margin: 1rem 0 .4rem; clip-path: none; white-space: normal; }
  details { border: 0; padding: 0; }
  body { display: block; }
  .picture { background: #ffffff; }
  .picture svg, .picture img { filter: none; }
  .first-screen .picture { max-width: none; }
  main { max-width: none; padding: 0; }
  .table, .picture { overflow: visible; }
  table { font-size: 8pt; overflow-wrap: break-word; }
  td, table:has(td code) td:nth-child(2) { min-width: 0; }
  /* Sentences may be cut anywhere; the words of a wide table are not. */
  td:nth-child(2), td:nth-child(4) { overflow-wrap: anywhere; }
  tr:has(td:nth-child(6)) td:not(:first-child) { overflow-wrap: break-word; }
  tr:has(td:nth-child(6)) td:first-child { overflow-wrap: anywhere; min-width: 5rem; }
  code { background: none; padding: 0; }
  p:has(+ .table) { break-after: avoid; }
  table:has(td code) td:first-child { overflow-wrap: normal; }
  h2, h3 { break-after: avoid; }
  tr, .picture, blockquote { break-inside: avoid; }
}
"""
