extension PromptLedger {
    /// The extended sequence numbers that a manifest names; its hash is put into normal form.
    /// - Parameter floor: what lies below it has been committed or cleared; `nil` for what this ledger has decided.
    /// - Throws: the error for a manifest that cannot be true, with the field that cannot.
    func range(of manifest: inout Manifest, from floor: UInt64?) throws(EventError) -> Range<UInt64> {
        guard manifest.frames > 0 else {
            throw EventError(code: .emptyBuffer, message: "The manifest names no frames.", param: "parallax.frames")
        }
        guard manifest.frames <= frameLimit else {
            throw .invalidValue("A prompt has at most \(frameLimit) frames.", param: "parallax.frames")
        }
        if let text = manifest.sha256 {
            guard let hash = FrameHash.normalized(text) else {
                throw .invalidValue("The hash is 64 hexadecimal digits.", param: "parallax.sha256")
            }
            manifest.sha256 = hash
        }
        let first = extended(manifest.firstSequence)
        guard first >= floor ?? decidedFloor else {
            throw .invalidValue("The prompt overlaps one that was committed before.", param: "parallax.first_sequence")
        }
        return first..<first + UInt64(manifest.frames)
    }
}
