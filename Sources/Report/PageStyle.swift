/// How the page looks: on a screen, on a phone and on paper.
enum PageStyle {
    static let css: HTML = """
        :root { color-scheme: light; --ink: #222; --faint: #595959; --line: #d8d8d4; --band: #f4f4f1; }
        * { box-sizing: border-box; }
        body { margin: 0 auto; max-width: 1120px; padding: 20px 24px 60px; color: var(--ink); background: #fff;
          font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
        h1 { font-size: 1.9em; line-height: 1.2; margin: .4em 0 .1em; }
        h2 { font-size: 1.35em; margin: 2em 0 .2em; padding-top: .5em; border-top: 2px solid var(--ink); overflow-wrap: anywhere; }
        h3 { font-size: 1.05em; margin: 1.2em 0 .2em; }
        p, li, dd { max-width: 75ch; margin: .35em 0; overflow-wrap: anywhere; }
        ul { padding-left: 1.2em; }
        .subtitle, .network, figcaption, .note { color: var(--faint); font-size: .9em; }
        .summary { background: var(--band); padding: .8em 1.2em; border-left: 5px solid #0060a8; }
        .summary li:first-child { font-weight: 600; }
        nav a { color: #0060a8; margin-right: .9em; display: inline-block; }
        .key span { margin-right: .5em; white-space: nowrap; }
        .charts { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 10px 22px; }
        figure { margin: 10px 0; min-width: 0; break-inside: avoid; }
        figure.wide { grid-column: 1 / -1; }
        figcaption { line-height: 1.35; overflow-wrap: anywhere; }
        .scroll { overflow-x: auto; margin: .8em 0; }
        table { border-collapse: collapse; font-size: .82em; font-variant-numeric: tabular-nums; }
        caption { text-align: left; font-weight: 600; padding: .3em 0; }
        th, td { padding: 3px 8px; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top; }
        thead th { vertical-align: bottom; border-bottom: 1px solid var(--ink); }
        td.name, th[scope=row] { text-align: left; }
        td:last-child:not(.name) { text-align: left; min-width: 9em; }
        .figures td:last-child:not(.name) { text-align: right; min-width: 0; }
        .facts td { text-align: left; overflow-wrap: anywhere; }
        .facts th { font-weight: 600; white-space: nowrap; }
        dt { font-weight: 600; margin-top: .5em; }
        dd { margin-left: 1.2em; }
        pre { white-space: pre-wrap; font-size: .75em; }
        summary { cursor: pointer; font-weight: 600; margin: 1em 0; }
        @media (max-width: 760px) {
          body { padding: 12px 12px 40px; font-size: 15px; }
          .charts { grid-template-columns: minmax(0, 1fr); }
          h1 { font-size: 1.5em; }
        }
        @page { size: A4; margin: 12mm; }
        @media print {
          body { max-width: none; padding: 0; font-size: 10.5pt; }
          nav, summary { display: none; }
          .charts { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 4px 12px; }
          section.profile { break-before: page; }
          h2, h3, caption { break-after: avoid; }
          tr { break-inside: avoid; }
          thead { display: table-header-group; }
          .scroll { overflow: visible; }
          table { font-size: 6.6pt; }
          th, td { padding: 2px 4px; }
          * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
        }

        """
}
