/// The charts of a page: their places in it, and what is to be drawn there.
struct ChartSheet {
    private var specs: [JSONNode] = []

    /// Takes a chart and answers its place in the page.
    mutating func add(_ chart: Chart) -> HTML {
        let number = specs.count
        specs.append(chart.spec)
        let entries = chart.key.map { entry -> HTML in
            "<span><span style=\"color:\(entry.colour)\" aria-hidden=\"true\">■</span> \(entry.name)</span> "
        }
        let key: HTML = entries.isEmpty ? "" : "<p class=\"key\">\(entries)</p>\n"
        return """
            <figure class="\(chart.isWide ? "wide" : "half")">
            \(key)<div class="chart" data-chart="\(number)" style="height:\(chart.height)px" role="img" aria-label="\(chart.caption)"></div>
            <figcaption>\(chart.caption)</figcaption>
            </figure>

            """
    }

    var count: Int { specs.count }
    var json: JSONNode { ["charts": .array(specs)] }
}

/// Names as anchors within the page.
enum PageLink {
    /// Letters, digits and hyphens, so that any name makes a valid one.
    static func anchor(_ name: String) -> String {
        "p-" + name.unicodeScalars.map { scalar in
            scalar.properties.isAlphabetic && scalar.isASCII || ("0"..."9").contains(scalar) || scalar == "-"
                ? String(scalar) : "_" + String(scalar.value, radix: 16)
        }.joined()
    }
}
