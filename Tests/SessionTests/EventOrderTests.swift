import Session
import Testing

@Suite struct EventOrderTests {
    @Test func `originals alone come as they are`() {
        var order = EventOrder()
        for _ in 0..<3 {
            let isNew = order.takeOriginal()
            #expect(isNew)
        }
        #expect(order.count == 3)
    }

    @Test func `a copy is taken where it is the next, and then its original is not`() {
        var order = EventOrder()
        let outcomes = [
            order.takeOriginal(),  // event 0
            order.takeCopy(index: 0), order.takeCopy(index: 2),  // had already; 1 is missing
            order.takeCopy(index: 1), order.takeCopy(index: 1), order.takeCopy(index: 2),
            order.takeOriginal(), order.takeOriginal(),  // 1 and 2, which copies brought
            order.takeOriginal(),  // 3
        ]
        #expect(outcomes == [true, false, false, true, false, true, false, false, true])
        #expect(order.count == 4)
    }

    @Test func `numbers go around`() {
        var order = EventOrder()
        for _ in 0..<65_536 { _ = order.takeOriginal() }
        let outcomes = [order.takeCopy(index: 0), order.takeOriginal(), order.takeCopy(index: 0)]
        #expect(outcomes == [true, false, false])
    }
}
