/// A table of texts, and what it shows.
package struct Table: Hashable, Sendable {
    package var caption: String
    package var headings: [String]
    package var rows: [[String]]
    /// How many columns from the left hold names; the others hold figures, and stand to the right.
    package var nameColumns: Int

    package init(caption: String, headings: [String], rows: [[String]], nameColumns: Int) {
        self.caption = caption
        self.headings = headings
        self.rows = rows
        self.nameColumns = nameColumns
    }

    /// In a frame of its own that scrolls sideways where the page is narrow.
    var html: HTML {
        let head = headings.map { "<th scope=\"col\">\($0)</th>" as HTML }
        let body = rows.map { row -> HTML in
            let cells = row.enumerated().map { index, text -> HTML in
                index < nameColumns ? "<td class=\"name\">\(text)</td>" : "<td>\(text)</td>"
            }
            return "<tr>\(cells)</tr>\n"
        }
        return """
            <div class="scroll" tabindex="0" role="region" aria-label="\(caption)"><table>
            <caption>\(caption)</caption>
            <thead><tr>\(head)</tr></thead>
            <tbody>
            \(body)</tbody></table></div>

            """
    }
}
