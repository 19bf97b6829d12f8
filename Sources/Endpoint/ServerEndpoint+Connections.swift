internal import QUIC
internal import Wire

// The table of connections: slots, and the connection IDs that lead to them.

extension ServerEndpoint {
    func insert(_ connection: ServedConnection, firstDestination: ConnectionID) -> Int {
        let slot: Int
        if let free = freeSlots.popLast() {
            slot = free
            connections[slot] = connection
        } else {
            slot = connections.count
            connections.append(connection)
        }
        // Until the client uses an ID of ours, it sends to the one that it made up itself.
        route(firstDestination, to: slot, connection)
        counters.connectionsAccepted += 1
        halfOpenCount += 1
        halfOpenBySource[connection.source, default: 0] += 1
        return slot
    }

    func updateRoutes(_ slot: Int, _ connection: ServedConnection) {
        while let change = connection.quic.pollRouteChange() {
            switch change {
            case .issued(let id): route(id, to: slot, connection)
            case .retired(let id):
                slots[id] = nil
                connection.routes.remove(id)
            }
        }
    }

    private func route(_ id: ConnectionID, to slot: Int, _ connection: ServedConnection) {
        slots[id] = slot
        connection.routes.insert(id)
    }

    /// The handshake is over, well or badly.
    func handshakeEnded(_ connection: ServedConnection) {
        guard connection.isHalfOpen else { return }
        connection.isHalfOpen = false
        halfOpenCount -= 1
        let left = halfOpenBySource[connection.source, default: 1] - 1
        halfOpenBySource[connection.source] = left > 0 ? left : nil
    }

    func forget(_ slot: Int, _ connection: ServedConnection) {
        handshakeEnded(connection)
        for id in connection.routes { slots[id] = nil }
        deadlines.set(nil, for: slot)
        connections[slot] = nil
        freeSlots.append(slot)
    }
}
