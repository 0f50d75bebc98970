import DemoModel
import Hexmile
import SwiftUI

/// What the server has, what its rules said, and what it credited.
struct ReceiptsView: View {
    let driver: DriverModel

    var body: some View {
        NavigationStack {
            List {
                Section("Credited") { credited }
                Section {
                    if driver.verdicts.isEmpty {
                        Text("The server has nothing yet.").foregroundStyle(.secondary)
                    }
                    ForEach(driver.verdicts, id: \.trace) { VerdictRow(verdict: $0) }
                } header: {
                    Text("Pieces of trips")
                } footer: {
                    Text("A trip is sent in pieces of at most five minutes. Each has a receipt, signed by the server.")
                }
            }
            .navigationTitle("Receipts")
        }
    }

    @ViewBuilder private var credited: some View {
        if driver.status.recording {
            // Nobody is to look at it on the road.
            Text("Shown once the trip is over.").foregroundStyle(.secondary)
        } else if let earnings = driver.earnings {
            LabeledContent("Balance", value: Words.credits(earnings.balance))
            ForEach(earnings.epochs, id: \.epoch) { epoch in
                LabeledContent("Period \(epoch.epoch)", value: Words.credits(epoch.pay))
            }
            LabeledContent("Told") { Text(earnings.told, format: .dateTime) }
        } else {
            Text("The server has told nothing yet.").foregroundStyle(.secondary)
        }
    }
}

private struct VerdictRow: View {
    let verdict: Verdict

    var body: some View {
        VStack(alignment: .leading, spacing: 4) {
            Label(word, systemImage: symbol)
            Text(verdict.received, format: .dateTime)
            if let distanceM = verdict.distanceM {
                Text(Measurement(value: Double(distanceM), unit: UnitLength.meters), format: .measurement(width: .abbreviated))
            }
            if !verdict.reasons.isEmpty {
                Text(verdict.reasons.map(Words.reason).joined(separator: ", "))
            }
            Text(verdict.trace.prefix(16)).font(.caption.monospaced()).foregroundStyle(.secondary)
                .accessibilityLabel("ID, beginning with \(String(verdict.trace.prefix(4)))")
        }
        .accessibilityElement(children: .combine)
    }

    private var word: String {
        switch verdict.accepted {
        case true?: return "Counts"
        case false?: return "Does not count"
        case nil: return "Not judged yet"
        }
    }

    private var symbol: String {
        switch verdict.accepted {
        case true?: return "checkmark.circle"
        case false?: return "xmark.circle"
        case nil: return "clock"
        }
    }
}
