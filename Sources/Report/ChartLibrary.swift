/// The charting library as it goes into the page: plotly.js, with its licence.
package struct ChartLibrary: Hashable, Sendable {
    package let script: String
    /// The text of its licence; empty where it was not found beside it.
    package let licence: String

    /// Why a file is not taken into the page. `description` is one line.
    package enum Refusal: Error, Hashable, Sendable, CustomStringConvertible {
        case notPlotly
        case endsElement

        package var description: String {
            switch self {
            case .notPlotly: "it is not plotly.js: its beginning does not say so"
            case .endsElement: "it would end the script element that it is put into"
            }
        }
    }

    package init(script: String, licence: String) throws(Refusal) {
        guard script.prefix(200).contains("plotly.js v") else { throw .notPlotly }
        // What stands in a script element is not escaped, and ends at the first of these (HTML, section 13.1.2.1).
        guard !script.contains("</script"), !script.contains("<!--") else { throw .endsElement }
        self.script = script
        self.licence = licence
    }

    /// As the library's first lines name it.
    package var version: String {
        let head = script.prefix(200)
        guard let start = head.firstRange(of: "plotly.js v")?.upperBound else { return "" }
        return "plotly.js " + head[start...].prefix { !$0.isWhitespace }
    }
}
