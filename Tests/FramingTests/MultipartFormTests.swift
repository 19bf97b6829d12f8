import Framing
import Testing
import Wire

@Suite struct MultipartFormTests {
    private static let type = FieldParameters("multipart/form-data; boundary=xyz")

    private func form(_ text: String, _ type: FieldParameters = Self.type) throws(MultipartForm.Malformed) -> MultipartForm {
        try MultipartForm(parsing: Array(text.utf8).span, contentType: type)
    }

    private static let whole =
        "--xyz\r\nContent-Disposition: form-data; name=\"sdp\"\r\nContent-Type: application/sdp; charset=utf-8\r\n\r\nv=0\r\ns=-\r\n\r\n"
        + "--xyz\r\ncontent-disposition: Form-Data; filename=\"blob\"; name=session\r\n\r\n{\"type\":\"realtime\"}\r\n--xyz--\r\n"

    @Test func `parts keep their bytes, names and types`() throws {
        let form = try form(Self.whole)
        #expect(form.parts.map(\.name) == ["sdp", "session"])
        #expect(form.part("sdp")?.contentType == "application/sdp")
        #expect(form.part("sdp")?.body == Array("v=0\r\ns=-\r\n".utf8))
        #expect(form.part("session")?.contentType == nil)
        #expect(form.part("session")?.body == Array("{\"type\":\"realtime\"}".utf8))
        #expect(form.part("other") == nil)
    }

    @Test func `a preamble, padding, an empty part and an epilogue are allowed`() throws {
        let form = try form(
            "preamble\r\n--xyz \t\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n--xyz\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\n--xyz--epilogue")
        #expect(form.parts.map(\.name) == ["a", "b"])
        #expect(form.parts.map(\.body) == [[], []])
    }

    @Test(arguments: [
        ("", .noOpeningBoundary), ("--xy\r\n", .noOpeningBoundary), ("--xyz", .unterminated), ("--xyz\r\n", .unterminated),
        ("--xyzq\r\n", .afterBoundary), ("--xyz\r\n\r\nbody\r\n--xyz--", .unnamedPart),
        ("--xyz\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\n\r\n--xyz--", .unnamedPart),
        ("--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nbody", .unterminated),
        ("--xyz\r\nX: " + String(repeating: "a", count: 2_050) + "\r\n\r\n\r\n--xyz--", .headerTooLong(limit: 2_048)),
        (
            String(repeating: "--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n", count: 9) + "--xyz--",
            .tooManyParts(limit: 8)
        ),
    ] as [(String, MultipartForm.Malformed)])
    func `what is no form is refused for its reason`(text: String, reason: MultipartForm.Malformed) {
        #expect(throws: reason) { try form(text) }
    }

    @Test(arguments: ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=" + String(repeating: "x", count: 71)])
    func `without a boundary there is no form`(type: String) {
        #expect(throws: MultipartForm.Malformed.noBoundary) { try form(Self.whole, FieldParameters(type)) }
    }

    @Test func `a body that is cut anywhere is refused, and no changed byte traps`() {
        let bytes = Array(Self.whole.utf8)
        let closed = bytes.count - 2
        for length in 0..<closed {
            let cut = Array(bytes[..<length])
            #expect((try? MultipartForm(parsing: cut.span, contentType: Self.type)) == nil)
        }
        for index in bytes.indices {
            for value: UInt8 in [0, 10, 13, 32, 34, 45, 58, 59, 61, 92, 255] {
                var changed = bytes
                changed[index] = value
                let form = try? MultipartForm(parsing: changed.span, contentType: Self.type)
                #expect((form?.parts.count ?? 0) <= 2)
            }
        }
    }
}

@Suite struct FieldParametersTests {
    @Test(arguments: [
        ("form-data; name=\"sdp\"", "form-data", ["name": "sdp"]), ("A/B ;C = d;e=\"f\\\"g;h\" ; i", "a/b", ["c": "d", "e": "f\"g;h"]),
        ("", "", [:]), (";;=;=x;a=;b", "", ["a": ""]), ("x; a=1; A=2", "x", ["a": "1"]), ("x; a=\"open", "x", ["a": "open"]),
    ] as [(String, String, [String: String])])
    func `a value and its parameters are taken apart`(field: String, value: String, parameters: [String: String]) {
        let parsed = FieldParameters(field)
        #expect(parsed.value == value)
        #expect(parsed.parameters == parameters)
    }

    @Test func `no string traps`() {
        let pieces = [";", "=", "\"", "\\", " ", "a", "\u{E9}"]
        for first in pieces { for second in pieces { for third in pieces { for fourth in pieces { _ = FieldParameters(first + second + third + fourth) } } } }
    }
}
