// swift-tools-version: 6.2
// The targets, in the direction of imports: a target imports only what stands above it in this file.
import PackageDescription

/// Every target: Swift 6 mode, explicit existentials, no transitive imports, warnings are errors.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableExperimentalFeature("Lifetimes"),
    .treatAllWarnings(as: .error),
]

/// The pure targets hold no unsafe expression at all: the compiler refuses it.
let pure: [SwiftSetting] = strict + [
    .strictMemorySafety(),
    .treatWarning("StrictMemorySafety", as: .error),
]

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
// HTTP: the server's core without its router, and TLS. Server alone imports them.
let hummingbird: Target.Dependency = .product(name: "HummingbirdCore", package: "hummingbird")
let hummingbirdHTTP2: Target.Dependency = .product(name: "HummingbirdHTTP2", package: "hummingbird")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "parallax",
    products: [
        .executable(name: "parallax", targets: ["parallax"]),
        .executable(name: "parallax-lab", targets: ["parallax-lab"]),
        .executable(name: "parallax-bench", targets: ["parallax-bench"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
    ],
    targets: [
        // Ground: bytes, time, identifiers, entropy. Imports nothing. Its API is `public`, not `package`: the compiler
        // inlines and specialises across modules only what is public, and the packet path stands on it.
        .target(name: "Wire", swiftSettings: pure),

        // Pure Swift: the forms on the wire, and the session core, which knows no transport.
        .target(name: "RTP", dependencies: ["Wire"], swiftSettings: pure),
        .target(name: "Framing", dependencies: ["Wire"], swiftSettings: pure),
        .target(name: "Audio", dependencies: ["Wire"], swiftSettings: pure),
        .target(name: "SDP", dependencies: ["Wire"], swiftSettings: pure),
        .target(name: "ICE", dependencies: ["Wire", crypto], swiftSettings: pure),
        .target(name: "Session", dependencies: ["Wire", crypto], swiftSettings: pure),
        .target(name: "Responder", dependencies: ["Wire", "Session"], swiftSettings: pure),

        // Engines: each wraps exactly one C library, and nobody else imports it.
        .systemLibrary(name: "CNgtcp2", providers: [.apt(["libngtcp2-dev", "libngtcp2-crypto-gnutls-dev", "libgnutls28-dev"])]),
        .systemLibrary(name: "CNghttp3", providers: [.apt(["libnghttp3-dev"])]),
        .systemLibrary(name: "COpus", providers: [.apt(["libopus-dev"])]),
        .systemLibrary(name: "COpenSSL", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CSRTP", providers: [.apt(["libsrtp2-dev"])]),
        .systemLibrary(name: "CUsrsctp", providers: [.apt(["libusrsctp-dev"])]),
        .target(name: "QUIC", dependencies: ["Wire", "CNgtcp2"], swiftSettings: strict),
        .target(name: "HTTP3", dependencies: ["Wire", "Framing", "QUIC", "CNghttp3"], swiftSettings: strict),
        .target(name: "Opus", dependencies: ["Wire", "Audio", "COpus"], swiftSettings: strict),
        .target(name: "DTLS", dependencies: ["Wire", "RTP", "COpenSSL"], swiftSettings: strict),
        .target(name: "SRTP", dependencies: ["Wire", "RTP", "CSRTP"], swiftSettings: strict),
        .target(name: "SCTP", dependencies: ["Wire", "CUsrsctp"], swiftSettings: strict),

        // Transports: the core's words over one protocol each. MediaStreams is what both say alike: flows of RTP packets.
        .target(name: "MediaStreams", dependencies: ["Wire", "Framing", "RTP", "Session", "QUIC"], swiftSettings: strict),
        .target(name: "WebTransport", dependencies: ["Wire", "Framing", "MediaStreams", "Session", "QUIC", "HTTP3"], swiftSettings: strict),
        .target(name: "RoQ", dependencies: ["Wire", "Framing", "MediaStreams", "RTP", "Session", "QUIC"], swiftSettings: strict),

        .target(
            name: "WebSocket",
            dependencies: ["Wire", "RTP", "Framing", "Audio", "Session", "Opus", crypto],
            swiftSettings: strict),
        .target(
            name: "WebRTC",
            dependencies: ["Wire", "RTP", "Framing", "SDP", "ICE", "Session", "DTLS", "SRTP", "SCTP"],
            swiftSettings: strict),

        // Composition: read Endpoint/ServerEndpoint+Flow.swift first.
        .target(
            name: "Endpoint",
            dependencies: ["Wire", "RTP", "Session", "Responder", "QUIC", "WebTransport", "RoQ", "WebSocket", "WebRTC"],
            swiftSettings: strict),

        // Drivers: virtual time and real sockets.
        .target(
            name: "Lab",
            dependencies: ["Wire", "RTP", "Session", "Responder", "Audio", "Opus", "QUIC", "DTLS", "WebTransport", "RoQ", "WebSocket", "WebRTC", "Endpoint"],
            swiftSettings: strict),
        // `report.html` from rows: words, charts and tables.
        .target(name: "Report", dependencies: ["Wire", "Lab"], swiftSettings: strict),
        .target(
            name: "Server",
            dependencies: [
                "Wire", "Framing", "Session", "Responder", "QUIC", "WebSocket", "WebRTC", "Endpoint", nioCore, nioPosix, nioHTTP1, nioTLS, nioSSL,
                httpTypes, hummingbird, hummingbirdHTTP2, crypto, logging,
            ],
            swiftSettings: strict),

        // The lab over the real kernel: two network namespaces, and the lab's links between them in user space.
        .target(name: "CNamespaces"),
        .target(
            name: "RealLab",
            dependencies: [
                "Wire", "Session", "Responder", "Opus", "QUIC", "DTLS", "WebTransport", "RoQ", "WebRTC", "WebSocket", "Endpoint", "Lab",
                "Server", "CNamespaces", nioCore, nioPosix, logging,
            ],
            swiftSettings: strict),

        // `gettimeofday` and `getrandom` under a virtual clock, for OpenSSL and usrsctp: linked only into the lab's own
        // program, the tests and the fuzzer, never into one that serves.
        .target(name: "CVirtualClock"),

        // Fuzz bodies, one a parser: replayed over the crash files by `make test`, driven by libFuzzer in `make fuzz`.
        .target(
            name: "Fuzz",
            dependencies: [
                "Wire", "RTP", "Framing", "Audio", "SDP", "ICE", "Session", "QUIC", "HTTP3", "MediaStreams", "DTLS", "SCTP", "WebSocket",
                "CVirtualClock", crypto,
            ],
            swiftSettings: strict),

        // Programs.
        .executableTarget(
            name: "parallax",
            dependencies: ["Wire", "Session", "Responder", "Audio", "Opus", "QUIC", "WebTransport", "RoQ", "WebSocket", "HTTP3", "DTLS", "SRTP", "WebRTC", "Endpoint", "Lab", "RealLab", "Report", "Server", arguments, logging],
            swiftSettings: strict),
        .executableTarget(name: "parallax-lab", dependencies: ["Wire", "Lab", "CVirtualClock", arguments], swiftSettings: strict),
        .executableTarget(
            name: "parallax-bench",
            dependencies: ["Wire", "Session", "Responder", "QUIC", "WebTransport", "RoQ", "DTLS", "WebRTC", "Endpoint", "Lab", "Server", nioCore, nioPosix, arguments],
            swiftSettings: strict),

        // Both ends of a QUIC connection in virtual time, for the tests of what stands on it.
        .target(name: "ConnectionPair", dependencies: ["Wire", "QUIC"], path: "Tests/ConnectionPair", swiftSettings: strict),

        // usrsctp is one a process: tests that use it take turns.
        .target(name: "SCTPLease", dependencies: ["SCTP"], path: "Tests/SCTPLease", swiftSettings: strict),

        .testTarget(name: "WireTests", dependencies: ["Wire"], swiftSettings: strict),
        .testTarget(name: "RTPTests", dependencies: ["RTP", "Wire"], swiftSettings: strict),
        .testTarget(name: "FramingTests", dependencies: ["Framing", "Wire"], swiftSettings: strict),
        .testTarget(name: "AudioTests", dependencies: ["Audio", "Wire"], swiftSettings: strict),
        .testTarget(name: "SessionTests", dependencies: ["Session", "Wire", "RTP"], swiftSettings: strict),
        .testTarget(name: "ResponderTests", dependencies: ["Responder", "Wire", "Session"], swiftSettings: strict),
        .testTarget(name: "QUICTests", dependencies: ["QUIC", "Wire"], swiftSettings: strict),
        .testTarget(name: "HTTP3Tests", dependencies: ["HTTP3", "Wire", "Framing", "QUIC", "ConnectionPair"], swiftSettings: strict),
        .testTarget(name: "OpusTests", dependencies: ["Opus", "Wire", "Audio"], swiftSettings: strict),
        .testTarget(name: "WebTransportTests", dependencies: ["WebTransport", "Wire", "Framing", "MediaStreams", "RTP", "Session", "QUIC", "HTTP3", "ConnectionPair"], swiftSettings: strict),
        .testTarget(name: "RoQTests", dependencies: ["RoQ", "Wire", "Framing", "MediaStreams", "RTP", "Session", "QUIC", "ConnectionPair"], swiftSettings: strict),
        .testTarget(name: "SDPTests", dependencies: ["SDP", "Wire"], swiftSettings: strict),
        .testTarget(name: "ICETests", dependencies: ["ICE", "Wire"], swiftSettings: strict),
        .testTarget(name: "DTLSTests", dependencies: ["DTLS", "RTP", "Wire", "CVirtualClock"], swiftSettings: strict),
        .testTarget(name: "SRTPTests", dependencies: ["SRTP", "DTLS", "RTP", "Wire"], swiftSettings: strict),
        .testTarget(name: "SCTPTests", dependencies: ["SCTP", "Wire", "CVirtualClock", "SCTPLease"], swiftSettings: strict),
        .testTarget(name: "WebSocketTests", dependencies: ["WebSocket", "Wire", "Framing", "Session", "Opus"], swiftSettings: strict),
        .testTarget(name: "WebRTCTests", dependencies: ["WebRTC", "Wire", "RTP", "Framing", "SDP", "ICE", "Session", "DTLS", "SRTP", "SCTP", "CVirtualClock", "SCTPLease"], swiftSettings: strict),
        .testTarget(name: "LabTests", dependencies: ["Lab", "Wire", "RTP", "Session", "Responder", "Audio", "Opus", "QUIC", "Endpoint", "SCTPLease", "CVirtualClock"], swiftSettings: strict),
        .testTarget(name: "ReportTests", dependencies: ["Report", "Lab"], swiftSettings: strict),
        .testTarget(name: "RealLabTests", dependencies: ["RealLab", "Lab", "Opus", "QUIC", "RoQ", "WebSocket", "Endpoint", "Server", "Session", "Wire"], swiftSettings: strict),
        .testTarget(name: "EndpointTests", dependencies: ["Endpoint", "CVirtualClock", "DTLS", "SCTPLease", "WebRTC", "Wire", "RTP", "Session", "Responder", "QUIC", "WebTransport", "RoQ", "WebSocket"], swiftSettings: strict),
        .testTarget(name: "ServerTests", dependencies: ["Server", "SCTPLease", "Wire", "Session", "Responder", "QUIC", "WebTransport", "RoQ", "WebSocket", "DTLS", "WebRTC", "Endpoint", nioCore, nioPosix, logging], swiftSettings: strict),
        .testTarget(name: "FuzzTests", dependencies: ["Fuzz", "SCTPLease", "Wire"], exclude: ["Crashes"], swiftSettings: strict),
    ]
)

// Only for `make fuzz` (docs/fuzzing.md): libFuzzer brings a `main` of its own, so nothing else may be linked with these flags.
if Context.environment["PARALLAX_FUZZ"] != nil {
    package.targets.append(
        .executableTarget(
            name: "parallax-fuzz", dependencies: ["Fuzz"], swiftSettings: strict,
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld"])]))
}
