import Report
import Testing

@Suite struct HTMLTests {
    @Test func `text is escaped where it gets in, and markup is not`() {
        let name = "</script><b>\"a\" & 'b'"
        let page: HTML = "<p title=\"\(name)\">\(name)</p>"
        let escaped = "&lt;/script&gt;&lt;b&gt;&quot;a&quot; &amp; &#39;b&#39;"
        #expect(page.markup == "<p title=\"\(escaped)\">\(escaped)</p>")
        #expect(("<div>\(page)</div>" as HTML).markup == "<div>" + page.markup + "</div>")
    }
}

@Suite struct JSONNodeTests {
    @Test func `data cannot end the element that holds it`() {
        let node: JSONNode = ["</script><!--": "\u{2028}\"\\&\n"]
        #expect(node.scriptText == #"{"\u003c/script\u003e\u003c!--":"\u2028\"\\\u0026\u000a"}"#)
    }

    @Test func `numbers are short, and those that are none are null`() {
        let node: JSONNode = [.number(50), .number(50.1254), .number(-0.0001), .number(.infinity), .number(.nan), 3, true, .null]
        #expect(node.scriptText == "[50,50.125,0,null,null,3,true,null]")
    }
}
