import Wire

/// Reads a file of profiles (docs/networks.md, "Profiles of your own"). It is read whole or not at all: a sweep never
/// begins with half of what was asked for.
struct ProfileForm {
    /// The bytes of a trace that a profile names.
    typealias TraceLoader = (_ path: String) throws(ProfileFormError) -> DeliveryTrace

    private let loadTrace: TraceLoader

    init(loadTrace: @escaping TraceLoader) { self.loadTrace = loadTrace }

    /// The profiles of a file, in its order.
    func profiles(in bytes: Span<UInt8>) throws(ProfileFormError) -> [NetworkProfile] {
        guard bytes.count <= ProfileLimits.fileByteCount else {
            throw ProfileFormError(problem: "the file is over \(ProfileLimits.fileByteCount >> 20) MiB")
        }
        do throws(ProfileFormError) {
            return try read(bytes)
        } catch {
            var error = error
            error.place = error.offset.map { TextPlace(offset: $0, in: bytes) }
            throw error
        }
    }

    private func read(_ bytes: Span<UInt8>) throws(ProfileFormError) -> [NetworkProfile] {
        let text: JSONText
        do throws(JSONTextError) {
            text = try JSONText(bytes, depth: ProfileLimits.depth)
        } catch {
            throw ProfileFormError(problem: "no JSON: \(error.problem)", offset: error.offset)
        }
        var file = try FormObject(text, path: "")
        let list = try file.required("profiles")
        try file.finish()
        guard case .list(let elements) = list.value, !elements.isEmpty, elements.count <= ProfileLimits.profiles else {
            throw ProfileFormError(
                path: "profiles", problem: "expected a list of 1 to \(ProfileLimits.profiles) profiles", offset: list.offset)
        }
        var catalogue = ProfileCatalogue.builtIn
        for (index, element) in elements.enumerated() {
            let profile = try profile(element, path: "profiles[\(index)]", earlier: catalogue)
            catalogue = ProfileCatalogue(own: catalogue.own + [profile])
        }
        return catalogue.own
    }

    private func profile(_ text: JSONText, path: String, earlier: ProfileCatalogue) throws(ProfileFormError) -> NetworkProfile {
        var form = try FormObject(text, path: path)
        let name = try name(&form, earlier: earlier)
        var profile = NetworkProfile(
            name, "of your own", source: "a file of yours", both: LinkProfile(
                delay: .zero, bitsPerSecond: NetworkProfile.reference.bitsPerSecond,
                queueLimit: NetworkProfile.reference.queueLimit))
        var hasDelay = (up: false, down: false)
        if let like = try form.text("like", limit: ProfileLimits.nameByteCount) {
            guard let model = earlier.profile(named: like.text) else {
                throw form.failure("like", "there is no profile \"\(like.text)\" to be like", at: like.offset)
            }
            (profile.up, profile.down, hasDelay) = (model.up, model.down, (true, true))
            (profile.speaksWhileOpening, profile.rebinding) = (model.speaksWhileOpening, model.rebinding)
            profile.seenBefore = model.seenBefore
        }
        if let summary = try form.text("summary", limit: ProfileLimits.textByteCount) { profile.summary = summary.text }
        if let source = try form.text("source", limit: ProfileLimits.textByteCount) { profile.source = source.text }
        if let both = form.take("both") {
            let isSet = try change(&profile.up, both, path: form.path(of: "both"))
            _ = try change(&profile.down, both, path: form.path(of: "both"))
            if isSet { hasDelay = (true, true) }
        }
        if let up = form.take("up") { hasDelay.up = try change(&profile.up, up, path: form.path(of: "up")) || hasDelay.up }
        if let down = form.take("down") {
            hasDelay.down = try change(&profile.down, down, path: form.path(of: "down")) || hasDelay.down
        }
        if let speaks = try form.flag("speaks_while_opening") { profile.speaksWhileOpening = speaks }
        if let text = form.take("nat_rebinding") { profile.rebinding = try rebinding(text, path: form.path(of: "nat_rebinding")) }
        try form.finish()
        guard hasDelay.up && hasDelay.down else {
            throw form.failure("", "says no delay_ms for \(hasDelay.up ? "down" : "up"); expected it in both, up or down, or a profile in like")
        }
        return profile
    }

    private func name(_ form: inout FormObject, earlier: ProfileCatalogue) throws(ProfileFormError) -> String {
        guard let name = try form.text("name", limit: ProfileLimits.nameByteCount) else {
            throw form.failure("name", "is missing; every profile has one")
        }
        let isPlain = name.text.unicodeScalars.allSatisfy {
            ("a"..."z").contains($0) || ("A"..."Z").contains($0) || ("0"..."9").contains($0) || "-_.".unicodeScalars.contains($0)
        }
        guard !name.text.isEmpty, isPlain else {
            throw form.failure("name", "expected letters, digits, '-', '_' and '.'", at: name.offset)
        }
        guard !ProfileCatalogue.isTaken(name.text) else {
            throw form.failure("name", "\"\(name.text)\" is a profile of Parallax; choose another name", at: name.offset)
        }
        guard !earlier.own.contains(where: { $0.name == name.text }) else {
            throw form.failure("name", "\"\(name.text)\" stands in this file twice", at: name.offset)
        }
        return name.text
    }

    /// - Returns: whether the delay was set.
    private func change(_ link: inout LinkProfile, _ text: JSONText, path: String) throws(ProfileFormError) -> Bool {
        var form = try FormObject(text, path: path)
        let delay = try form.number("delay_ms", in: 0...Double(ProfileLimits.delayMilliseconds))
        if let delay { link.delay = .milliseconds(delay) }
        if let jitter = try form.number("jitter_ms", in: 0...ProfileLimits.jitterMilliseconds) {
            link.jitter = jitter > 0 ? Jitter(standardDeviation: .milliseconds(jitter)) : nil
        }
        if let reorders = try form.flag("jitter_reorders") { link.jitter?.reorders = reorders }
        try changeRate(&link, &form)
        if let loss = form.take("loss") { link.loss = try self.loss(loss, path: form.path(of: "loss")) }
        if let text = form.take("opening_loss") { link.openingLoss = try openingLoss(text, path: form.path(of: "opening_loss")) }
        if let text = form.take("outage") { link.outage = try outage(text, path: form.path(of: "outage")) }
        if let text = form.take("failures") { link.failures = try failures(text, path: form.path(of: "failures")) }
        if let text = form.take("route_flaps") { link.routeFlaps = try routeFlaps(text, path: form.path(of: "route_flaps")) }
        try form.finish()
        return delay != nil
    }

    private func changeRate(_ link: inout LinkProfile, _ form: inout FormObject) throws(ProfileFormError) {
        let rate = try form.number("kbit_per_s", in: ProfileLimits.kilobitsPerSecond)
        if let rate { link.bitsPerSecond = Int(rate * 1000) }
        let queue = try form.number("queue_ms", in: 0...ProfileLimits.queueMilliseconds)
        if let queue { link.queueLimit = .milliseconds(queue) }
        let traffic = form.take("cross_traffic")
        if let traffic { link.crossTraffic = try crossTraffic(traffic, path: form.path(of: "cross_traffic")) }
        if rate != nil || queue != nil || traffic != nil { link.trace = nil }
        guard let trace = form.take("mahimahi") else { return }
        guard rate == nil, queue == nil, traffic == nil else {
            throw form.failure(
                "mahimahi", "a trace has its own rate and queue; leave out kbit_per_s, queue_ms and cross_traffic", at: trace.offset)
        }
        link.trace = try self.trace(trace, path: form.path(of: "mahimahi"))
        link.crossTraffic = nil
        if let trace = link.trace { link.bitsPerSecond = trace.meanBitsPerSecond }
    }

    private func loss(_ text: JSONText, path: String) throws(ProfileFormError) -> GilbertElliott? {
        guard text.value != .null else { return nil }
        var form = try FormObject(text, path: path)
        let percent = try form.number("percent", in: 0...100)
        let burst = try form.number("mean_burst_frames", in: 1...ProfileLimits.burstFrames)
        let into = try form.number("p_percent", in: 0...100), out = try form.number("r_percent", in: 0...100)
        let bad = try form.number("bad_percent", in: 0...100), good = try form.number("good_percent", in: 0...100)
        try form.finish()
        let expected = "expected percent, with mean_burst_frames if losses come in bursts, or p_percent and r_percent of a Gilbert-Elliott chain"
        if let percent, into == nil, out == nil, bad == nil, good == nil {
            guard let burst else { return .independent(loss: percent / 100) }
            // What is lost in runs of b packets has a share of at most (b - 1) / b, or the chain would have to go to and fro.
            guard percent / 100 <= 1 - 1 / burst else {
                throw form.failure("mean_burst_frames",
                    "is shorter than the mean run of independent loss, 1 / (1 - loss); leave it out for independent loss",
                    at: text.offset)
            }
            return .bursts(loss: percent / 100, meanLength: burst)
        }
        guard percent == nil, burst == nil, let into, let out else { throw form.failure("", expected, at: text.offset) }
        guard into + out > 0, into + out <= 100 else {
            throw form.failure("p_percent", "p_percent and r_percent together are over 0 and at most 100", at: text.offset)
        }
        return GilbertElliott(
            intoBad: into / 100, outOfBad: out / 100, lossInBad: (bad ?? 100) / 100, lossInGood: (good ?? 0) / 100)
    }

    private func openingLoss(_ text: JSONText, path: String) throws(ProfileFormError) -> OpeningLoss? {
        guard text.value != .null else { return nil }
        var form = try FormObject(text, path: path)
        let length = try form.time("length_ms")
        let loss = try loss(form.required("loss"), path: form.path(of: "loss"))
        try form.finish()
        return loss.map { OpeningLoss(loss: $0, length: length) }
    }

    private func outage(_ text: JSONText, path: String) throws(ProfileFormError) -> Outage? {
        guard text.value != .null else { return nil }
        var form = try FormObject(text, path: path)
        let (earliest, latest) = try moment(of: &form, at: text)
        let length = try form.time("length_ms")
        try form.finish()
        return Outage(earliestStart: earliest, latestStart: latest, length: length)
    }

    private func rebinding(_ text: JSONText, path: String) throws(ProfileFormError) -> Rebinding? {
        guard text.value != .null else { return nil }
        var form = try FormObject(text, path: path)
        let (earliest, latest) = try moment(of: &form, at: text)
        try form.finish()
        return Rebinding(earliest: earliest, latest: latest)
    }

    /// Between which times something happens.
    private func moment(of form: inout FormObject, at text: JSONText) throws(ProfileFormError) -> (earliest: Duration, latest: Duration) {
        let earliest = try form.time("earliest_ms"), latest = try form.time("latest_ms")
        guard earliest <= latest else { throw form.failure("latest_ms", "is earlier than earliest_ms", at: text.offset) }
        return (earliest, latest)
    }

    private func failures(_ text: JSONText, path: String) throws(ProfileFormError) -> LinkFailures? {
        guard text.value != .null else { return nil }
        var form = try FormObject(text, path: path)
        let failures = LinkFailures(interval: try form.time("every_ms", from: 1), length: try form.time("length_ms"))
        try form.finish()
        return failures
    }

    private func routeFlaps(_ text: JSONText, path: String) throws(ProfileFormError) -> RouteFlaps? {
        guard text.value != .null else { return nil }
        var form = try FormObject(text, path: path)
        let interval = try form.time("every_ms", from: 1)
        let detour = try form.requiredNumber("detour_ms", in: 0...Double(ProfileLimits.delayMilliseconds))
        try form.finish()
        return RouteFlaps(interval: interval, detour: .milliseconds(detour))
    }

    private func crossTraffic(_ text: JSONText, path: String) throws(ProfileFormError) -> CrossTraffic? {
        guard text.value != .null else { return nil }
        var form = try FormObject(text, path: path)
        let traffic = CrossTraffic(
            busyLoad: try form.requiredNumber("busy_load", in: 0...ProfileLimits.load),
            quietLoad: try form.requiredNumber("quiet_load", in: 0...ProfileLimits.load),
            meanBusy: try form.time("mean_busy_ms", from: 1), meanQuiet: try form.time("mean_quiet_ms", from: 1))
        try form.finish()
        return traffic
    }

    private func trace(_ text: JSONText, path: String) throws(ProfileFormError) -> DeliveryTrace? {
        guard text.value != .null else { return nil }
        var form = try FormObject(text, path: path)
        guard let file = try form.text("trace", limit: 4096) else {
            throw form.failure("trace", "is missing; expected the path of a mahimahi trace, from the directory of this file")
        }
        var trace: DeliveryTrace
        do throws(ProfileFormError) {
            trace = try loadTrace(file.text)
        } catch {
            throw form.failure("trace", error.problem, at: file.offset)
        }
        let packet = Double(DeliveryTrace.opportunityByteCount)
        if let bytes = try form.number("queue_bytes", in: packet...Double(DeliveryTraceLimits.queueByteCount)) {
            trace.queueByteCount = Int(bytes)
        }
        if let start = try form.text("start", limit: 16) {
            guard let start = DeliveryTrace.Start(rawValue: start.text) else {
                throw form.failure("start", "expected \"beginning\" or \"anywhere\"", at: start.offset)
            }
            trace.start = start
        }
        try form.finish()
        return trace
    }
}

extension Duration {
    /// Milliseconds with their fraction, to the nanosecond; the same on every machine.
    fileprivate static func milliseconds(_ number: Double) -> Duration { .nanoseconds(Int64((number * 1_000_000).rounded())) }
}
