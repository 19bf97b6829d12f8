internal import NIOCore
internal import Wire

extension ECN {
    init(_ state: NIOExplicitCongestionNotificationState?) {
        switch state {
        case .transportCapableFlag0: self = .capable0
        case .transportCapableFlag1: self = .capable1
        case .congestionExperienced: self = .congestionExperienced
        case .transportNotCapable, nil: self = .notCapable
        }
    }

    var state: NIOExplicitCongestionNotificationState {
        switch self {
        case .notCapable: .transportNotCapable
        case .capable0: .transportCapableFlag0
        case .capable1: .transportCapableFlag1
        case .congestionExperienced: .congestionExperienced
        }
    }
}
