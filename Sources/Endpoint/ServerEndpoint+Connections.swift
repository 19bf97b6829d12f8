internal import QUIC
internal import WebRTC
internal import Wire

// The table of connections: slots, and what in a datagram leads to them.

extension ServerEndpoint {
    func insert(_ connection: ServedConnection, route first: Route?) -> Int {
        let slot: Int
        if let free = freeSlots.popLast() {
            slot = free
            connections[slot] = connection
        } else {
            slot = connections.count
            connections.append(connection)
        }
        if let first { route(first, to: slot, connection) }
        counters.connectionsAccepted += 1
        halfOpenCount += 1
        halfOpenBySource[connection.source, default: 0] += 1
        return slot
    }

    func updateRoutes(_ slot: Int, _ connection: ServedConnection) {
        switch connection.carrier {
        case .quic(let quic):
            while let change = quic.pollRouteChange() {
                switch change {
                case .issued(let id): route(.connectionID(id), to: slot, connection)
                case .retired(let id): unroute(.connectionID(id), from: slot, connection)
                }
            }
        case .webRTC(let peer):
            while let change = peer.pollRouteChange() {
                switch change {
                case .named(let ufrag): route(.iceUsername(ufrag), to: slot, connection)
                case .unnamed(let ufrag): unroute(.iceUsername(ufrag), from: slot, connection)
                case .reached(let address): route(.address(address), to: slot, connection)
                case .left(let address): unroute(.address(address), from: slot, connection)
                }
            }
        // A handle leads to it.
        case .webSocket: break
        }
    }

    private func route(_ route: Route, to slot: Int, _ connection: ServedConnection) {
        if case .address = route, let other = slots[route], other != slot { sharedAddresses.insert(route) }
        slots[route] = slot
        connection.routes.insert(route)
    }

    /// A route that has come to lead elsewhere (an address that another call has proved since) stays as it is.
    private func unroute(_ route: Route, from slot: Int, _ connection: ServedConnection) {
        connection.routes.remove(route)
        if slots[route] == slot { release(route) }
    }

    /// The route leads nowhere now, unless another call has the same address: two pages behind one relay, say.
    private func release(_ route: Route) {
        slots[route] = nil
        guard sharedAddresses.remove(route) != nil else { return }
        let others = connections.indices.filter { connections[$0]?.routes.contains(route) ?? false }
        if let heir = others.first { slots[route] = heir }
        if others.count > 1 { sharedAddresses.insert(route) }
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
        let routes = connection.routes
        connection.routes = []
        for route in routes where slots[route] == slot { release(route) }
        if let call = connection.call { calls[call.id] = nil }
        deadlines.set(nil, for: slot)
        connections[slot] = nil
        freeSlots.append(slot)
    }
}
