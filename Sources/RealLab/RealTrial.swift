internal import Lab
internal import Opus
internal import Wire

/// A trial of a run over the real kernel, and what has come of it from three witnesses: the client, the server and the
/// relay between them.
struct RealTrial {
    let index: Int
    let plan: TrialPlan
    /// The clip as it is spoken in the trial's mode.
    let clip: Clip
    let origin: Instant
    /// Which attempt this is, from 1.
    let attempt: Int
    var client: ClientRecord?
    var account: AccountRecord?

    /// A packet that leaves so long after a capture is not the frame's own.
    private static let witnessTime = Duration.milliseconds(5)

    /// By then a client has given up whatever it waited for.
    var limit: Instant {
        origin + TrialSettings.setupPatience + clip.frameDuration * clip.frames.count + TrialSettings.patience + .seconds(30)
    }

    /// The record, as a trial in virtual time makes it: all instants count from the trial's beginning.
    func record(_ relay: RelayAccount) -> TrialRecord {
        var record = TrialRecord(frameCount: clip.frames.count)
        // Packets do not say which others they answer.
        record.roundTrips = nil
        record.up = relay.up
        record.down = relay.down
        record.account = account?.account(since: origin)
        guard let client else { return record }
        record.opened = client.opened.map(moved)
        record.firstEvent = client.firstEvent.map(moved)
        record.committed = client.committed.map(moved)
        record.firstAudio = client.firstAudio.map(moved)
        record.finished = moved(client.finished)
        record.answerFrames = client.answerFrames
        record.answer = client.answer
        record.answerStopped = client.answerStopped.map(moved)
        record.answerDecided = client.answerDecided.map(moved)
        record.refusedCount = client.refusedCount
        record.resumeCount = client.resumeCount
        if let wanted = client.resumeWanted, let resumed = client.resumed, wanted <= resumed {
            record.resume = moved(wanted)..<moved(resumed)
        }
        record.end = client.end
        let computing = SetUpComputing(up: relay.transmissions, down: relay.answers)
        record.setupComputing = record.opened.map { computing.time(in: .zero..<$0) }
        record.resumeComputing = record.resume.map(computing.time)
        record.lateness = Lateness(link: relay.latenessP99, capture: captureLateness(client))
        witness(client.captures.map(moved), relay.transmissions, in: &record)
        return record
    }

    private func moved(_ nanoseconds: UInt64) -> Instant { .zero + (Instant(nanoseconds: nanoseconds) - origin) }

    /// Finds the packets of each frame among those that the relay saw come.
    private func witness(_ captures: [Instant], _ transmissions: [Transmission], in record: inout TrialRecord) {
        var next = 0
        for (index, captured) in captures.enumerated() where index < clip.frames.count {
            while next < transmissions.count, transmissions[next].sent < captured { next += 1 }
            let sent = transmissions[next...].prefix { $0.sent < captured + Self.witnessTime }
            record.captured(payloadByteCount: clip.frames[index].count, at: captured)
            record.witness(sent: Array(sent))
        }
    }

    private func captureLateness(_ client: ClientRecord) -> Duration {
        let late = zip(client.captures, client.ticks).map { Instant(nanoseconds: $0) - Instant(nanoseconds: $1) }.sorted()
        return late.isEmpty ? .zero : late[(late.count - 1) * 99 / 100]
    }

    /// The row, of this world.
    func row(_ relay: RelayAccount, commit: String) -> TrialRow {
        var row = TrialRow(record(relay), of: plan, clip: clip, commit: commit)
        row.planIndex = index
        row.world = TrialRow.realWorld
        // What a run's packets were, no other run repeats.
        row.log = ""
        row.wallSeconds = row.virtualSeconds
        return row
    }
}
