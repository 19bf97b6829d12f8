/// A part of the page that others fill: what was found elsewhere, in words and a table.
package struct ReportSection: Hashable, Sendable {
    package var title: String
    package var paragraphs: [String]
    package var tables: [Table]

    package init(title: String, paragraphs: [String], tables: [Table]) {
        self.title = title
        self.paragraphs = paragraphs
        self.tables = tables
    }

    var html: HTML {
        """
        <section id="\(PageLink.anchor(title))">
        <h2>\(title)</h2>
        \(HTML.paragraphs(paragraphs))\(tables.map(\.html))</section>

        """
    }
}
