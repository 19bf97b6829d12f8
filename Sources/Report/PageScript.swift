/// The few lines that hand the charts to the library, one after the other so that the page can be read meanwhile.
enum PageScript {
    /// - `#data` holds the charts as JSON; a place names its chart by number.
    /// - On paper charts take the width that they have there: A4 without its margins is 703 pixels wide.
    /// - `data-drawn` on the body tells tests when all is drawn, and how many charts were.
    static let javaScript: HTML = """
        (() => {
          "use strict";
          const charts = JSON.parse(document.getElementById("data").textContent).charts;
          const places = [...document.querySelectorAll("[data-chart]")];
          const settings = { displayModeBar: false, responsive: true, showTips: false };
          let next = 0;
          const drawOne = () => {
            const place = places[next++];
            const chart = charts[Number(place.dataset.chart)];
            place.drawing = Plotly.newPlot(place, chart.data, chart.layout, settings);
            if (next === places.length) document.body.dataset.drawn = String(next);
          };
          const drawSome = () => {
            const end = performance.now() + 40;
            while (next < places.length && performance.now() < end) drawOne();
            if (next < places.length) setTimeout(drawSome, 0);
          };
          const paperWidth = (place) => place.closest("figure").classList.contains("wide") ? 700 : 342;
          addEventListener("beforeprint", () => {
            while (next < places.length) drawOne();
            for (const details of document.querySelectorAll("details")) { details.dataset.was = details.open; details.open = true; }
            for (const place of places) Plotly.relayout(place, { autosize: false, width: paperWidth(place) });
          });
          addEventListener("afterprint", () => {
            for (const details of document.querySelectorAll("details")) details.open = details.dataset.was === "true";
            for (const place of places) Plotly.relayout(place, { autosize: true, width: null });
          });
          drawSome();
        })();

        """
}
