internal import Lab

/// A prompt's frames in time, a row for each cell, coloured by what became of them.
enum StripChart {
    static func chart(_ strip: PromptStrip) -> Chart {
        let layout = RowLayout(strip.rows.map(\.combination))
        let runs = zip(layout.rows, strip.rows).flatMap { row, strip in PromptStrip.runs(strip.fates).map { (y: row.y, run: $0) } }
        let present = ChartStyle.fates.filter { fate in runs.contains { $0.run.fate == fate.fate } }
        let traces = present.map { fate -> JSONNode in
            let own = runs.filter { $0.run.fate == fate.fate }
            return [
                "type": "bar", "orientation": "h", "name": .text(fate.name),
                "marker": ["color": .text(fate.colour), "line": ["width": 0]],
                "y": .numbers(own.map(\.y)), "width": 0.86,
                "base": .numbers(own.map { Double($0.run.frames.lowerBound) * strip.frameMilliseconds / 1000 }),
                "x": .numbers(own.map { Double($0.run.frames.count) * strip.frameMilliseconds / 1000 }),
                "text": .texts(own.map { run in
                    let (first, last) = (run.run.frames.lowerBound + 1, run.run.frames.upperBound)
                    return (first == last ? "frame \(first): " : "frames \(first) to \(last): ") + fate.name
                }),
                "textposition": "none", "hoverinfo": "text",
            ]
        }
        let cut = strip.shownFrames < strip.frames ? " The first \(strip.shownFrames) of \(strip.frames) frames are shown." : ""
        let end = Double(strip.shownFrames) * strip.frameMilliseconds / 1000
        let caption = "One prompt, frame by frame, as each mode left it: clip \(strip.clip), trial \(strip.trial), seed \(strip.seed); "
            + "chosen by rule: \(strip.rule).\(cut)"
        return Chart(
            caption: caption, height: layout.height(pitch: 13, around: 52), left: 128, data: traces,
            layout: [
                "barmode": "overlay", "yaxis": layout.rowAxis,
                "xaxis": [
                    "title": ["text": "seconds of the prompt", "standoff": 8], "range": .numbers([0, end]), "fixedrange": true,
                    "showgrid": false, "zeroline": false, "nticks": 8,
                ],
                "showlegend": false,
            ],
            key: present.map { Chart.KeyEntry(colour: $0.colour, name: $0.name) }, isWide: true)
    }
}
