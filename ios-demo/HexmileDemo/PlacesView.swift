import DemoModel
import Hexmile
import SwiftUI

/// Places of which nothing leaves the phone.
struct PlacesView: View {
    let driver: DriverModel
    @State private var name = ""
    @State private var latitude = ""
    @State private var longitude = ""

    private var zones: ZonesModel { driver.zones }

    var body: some View {
        NavigationStack {
            List {
                Section {
                    ForEach(zones.places) { place in
                        LabeledContent(place.name, value: text(place.place))
                            .swipeActions {
                                Button("Forget", role: .destructive) { Task { await zones.remove(place) } }
                            }
                    }
                    if zones.places.isEmpty { Text("None yet.").foregroundStyle(.secondary) }
                } header: {
                    Text("Your private places")
                } footer: {
                    Text(
                        """
                        Around each lies a zone of at least 600 metres, whose centre is not the place itself. \
                        Trips are cut at its edge, on this phone. The places are kept in its Keychain alone.
                        """)
                }
                add
                Section {
                    ForEach(zones.learned, id: \.self) { place in
                        Text(text(place))
                            .swipeActions {
                                Button("Forget", role: .destructive) { Task { await zones.forget(place) } }
                            }
                    }
                    if zones.learned.isEmpty { Text("None yet.").foregroundStyle(.secondary) }
                } header: {
                    Text("Places you come back to")
                } footer: {
                    Text("Found on this phone, and private by themselves. A forgotten one may be found again.")
                }
            }
            .navigationTitle("Places")
            .task { await zones.load() }
        }
    }

    private var add: some View {
        Section("Add a place") {
            TextField("Name, such as Home", text: $name)
            TextField("Latitude", text: $latitude).keyboardType(.numbersAndPunctuation)
            TextField("Longitude", text: $longitude).keyboardType(.numbersAndPunctuation)
            ProblemRow(words: zones.problem)
            Button("Add") {
                Task {
                    guard await zones.add(named, latitude: latitude, longitude: longitude) else { return }
                    (name, latitude, longitude) = ("", "", "")
                }
            }
            if let fix = driver.fix {
                Button("Add where I am now") {
                    let here = Place(latitudeDeg: fix.latitudeDeg, longitudeDeg: fix.longitudeDeg)
                    Task {
                        await zones.add(named, at: here)
                        name = ""
                    }
                }
            } else {
                Text("While a trip is recorded, you can add where you are.").foregroundStyle(.secondary)
            }
        }
    }

    private var named: String { name.isEmpty ? "Private place" : name }

    private func text(_ place: Place) -> String {
        let degrees = FloatingPointFormatStyle<Double>.number.precision(.fractionLength(4))
        return "\(place.latitudeDeg.formatted(degrees)), \(place.longitudeDeg.formatted(degrees))"
    }
}
