@_exported import Foundation
import Observation
@_exported import UIKit

// Names, labels and result types as SwiftUI has them, as far as the demo uses them; nothing is drawn.
@MainActor @preconcurrency
public protocol View {
    associatedtype Body: View
    @ViewBuilder @MainActor var body: Body { get }
}

extension Never: View {
    public var body: Never { fatalError() }
}

public protocol Leaf: View where Body == Never {}

extension Leaf {
    public var body: Never { fatalError() }
}

public struct Drawn: Leaf {
    public nonisolated init() {}
}

@resultBuilder
public struct ViewBuilder {
    public static func buildBlock() -> EmptyView { EmptyView() }
    public static func buildBlock<each Content: View>(_ content: repeat each Content) -> Drawn { Drawn() }
    public static func buildBlock<Content: View>(_ content: Content) -> Content { content }
    public static func buildExpression<Content: View>(_ content: Content) -> Content { content }
    public static func buildIf<Content: View>(_ content: Content?) -> Content? { content }
    public static func buildEither<A: View>(first: A) -> Drawn { Drawn() }
    public static func buildEither<A: View>(second: A) -> Drawn { Drawn() }
}

extension Optional: View where Wrapped: View {
    public var body: Never { fatalError() }
}

@MainActor @preconcurrency
public protocol Scene {
    associatedtype Body: Scene
    @MainActor var body: Body { get }
}

extension Never: Scene {}

public struct WindowGroup<Content: View>: Scene {
    public init(@ViewBuilder content: @escaping () -> Content) {}
    public var body: Never { fatalError() }
}

extension Scene {
    public nonisolated func onChange<V: Equatable>(of value: V, _ action: @escaping () -> Void) -> some Scene { self }
}

@MainActor @preconcurrency
public protocol App {
    associatedtype Body: Scene
    @MainActor var body: Body { get }
    init()
}

extension App {
    public static func main() {}
}

@propertyWrapper @MainActor @preconcurrency
public struct UIApplicationDelegateAdaptor<Delegate: NSObject & UIApplicationDelegate> {
    public init(_ type: Delegate.Type) {}
    public var wrappedValue: Delegate { fatalError() }
}

@propertyWrapper
public struct State<Value> {
    public init(wrappedValue: Value) {}
    public var wrappedValue: Value {
        get { fatalError() }
        nonmutating set {}
    }
    public var projectedValue: Binding<Value> { fatalError() }
}

extension State: Sendable where Value: Sendable {}

@propertyWrapper
public struct AppStorage<Value> {
    public init(wrappedValue: Value, _ key: String) where Value == Bool {}
    public var wrappedValue: Value {
        get { fatalError() }
        nonmutating set {}
    }
}

@propertyWrapper
public struct Binding<Value> {
    @preconcurrency
    public init(
        get: @escaping @isolated(any) @Sendable () -> Value,
        set: @escaping @isolated(any) @Sendable (Value) -> Void
    ) {}
    public var wrappedValue: Value {
        get { fatalError() }
        nonmutating set {}
    }
    public var projectedValue: Binding<Value> { self }
}

@propertyWrapper
public struct Environment<Value> {
    public init(_ keyPath: KeyPath<EnvironmentValues, Value>) {}
    public var wrappedValue: Value { fatalError() }
}

public struct EnvironmentValues {
    public var scenePhase: ScenePhase { .active }
    public var dismiss: DismissAction { DismissAction() }
    public var openURL: OpenURLAction { OpenURLAction() }
}

public enum ScenePhase: Comparable, Sendable { case background, inactive, active }

@MainActor @preconcurrency
public struct DismissAction {
    nonisolated init() {}
    public func callAsFunction() {}
}

@MainActor @preconcurrency
public struct OpenURLAction {
    nonisolated init() {}
    public func callAsFunction(_ url: URL) {}
}

public struct LocalizedStringKey: ExpressibleByStringInterpolation, Sendable {
    public init(stringLiteral value: String) {}
}

// Texts: a literal is a key, anything else is shown as it is.
public struct Text: Leaf {
    public struct DateStyle: Sendable {
        public static let time = DateStyle()
    }

    public init(_ key: LocalizedStringKey) {}
    @_disfavoredOverload public init<S: StringProtocol>(_ content: S) {}
    public init(_ date: Date, style: DateStyle) {}
    public init<F: FormatStyle>(_ input: F.FormatInput, format: F)
    where F.FormatInput: Equatable, F.FormatOutput == String {}
}

public struct EmptyView: Leaf {
    public nonisolated init() {}
}

public struct ProgressView: Leaf {
    public init() {}
    public init(_ key: LocalizedStringKey) {}
}

public struct Label: Leaf {
    public init(_ key: LocalizedStringKey, systemImage name: String) {}
    @_disfavoredOverload public init<S: StringProtocol>(_ title: S, systemImage name: String) {}
}

public struct ButtonRole: Sendable {
    public static let destructive = ButtonRole()
}

public struct Button: Leaf {
    public init(_ key: LocalizedStringKey, action: @escaping @MainActor () -> Void) {}
    @_disfavoredOverload public init<S: StringProtocol>(_ title: S, action: @escaping @MainActor () -> Void) {}
    public init(_ key: LocalizedStringKey, systemImage: String, action: @escaping @MainActor () -> Void) {}
    public init(_ key: LocalizedStringKey, role: ButtonRole?, action: @escaping @MainActor () -> Void) {}
}

public struct Toggle: Leaf {
    public init(_ key: LocalizedStringKey, isOn: Binding<Bool>) {}
}

public struct TextField: Leaf {
    public init(_ key: LocalizedStringKey, text: Binding<String>) {}
    public init(_ key: LocalizedStringKey, text: Binding<String>, prompt: Text?) {}
}

public struct ShareLink: Leaf {
    public init(item: URL, @ViewBuilder label: () -> some View) {}
}

public struct LabeledContent: Leaf {
    public init(_ key: LocalizedStringKey, @ViewBuilder content: () -> some View) {}
    public init<S: StringProtocol>(_ key: LocalizedStringKey, value: S) {}
    @_disfavoredOverload public init<S1: StringProtocol, S2: StringProtocol>(_ title: S1, value: S2) {}
    public init<F: FormatStyle>(_ key: LocalizedStringKey, value: F.FormatInput, format: F)
    where F.FormatInput: Equatable, F.FormatOutput == String {}
}

public struct Form: Leaf {
    public init(@ViewBuilder content: () -> some View) {}
}

public struct List: Leaf {
    public init(@ViewBuilder content: () -> some View) {}
    public init<Data: RandomAccessCollection>(
        _ data: Data, @ViewBuilder rowContent: @escaping (Data.Element) -> some View
    ) where Data.Element: Identifiable {}
}

public struct Section: Leaf {
    public init(@ViewBuilder content: () -> some View) {}
    public init(_ key: LocalizedStringKey, @ViewBuilder content: () -> some View) {}
    @_disfavoredOverload public init<S: StringProtocol>(_ title: S, @ViewBuilder content: () -> some View) {}
    public init(@ViewBuilder content: () -> some View, @ViewBuilder header: () -> some View) {}
    public init(@ViewBuilder content: () -> some View, @ViewBuilder footer: () -> some View) {}
    public init(
        @ViewBuilder content: () -> some View, @ViewBuilder header: () -> some View,
        @ViewBuilder footer: () -> some View
    ) {}
}

public struct ForEach: Leaf {
    public init<Data: RandomAccessCollection>(
        _ data: Data, @ViewBuilder content: @escaping (Data.Element) -> some View
    ) where Data.Element: Identifiable {}
    public init<Data: RandomAccessCollection, ID: Hashable>(
        _ data: Data, id: KeyPath<Data.Element, ID>, @ViewBuilder content: @escaping (Data.Element) -> some View
    ) {}
}

public struct NavigationStack: Leaf {
    public init(@ViewBuilder root: () -> some View) {}
}

public struct NavigationLink: Leaf {
    public init(_ key: LocalizedStringKey, @ViewBuilder destination: () -> some View) {}
    @_disfavoredOverload
    public init<S: StringProtocol>(_ title: S, @ViewBuilder destination: () -> some View) {}
}

public struct TabView: Leaf {
    public init(@ViewBuilder content: () -> some View) {}
}

public enum HorizontalAlignment: Sendable { case leading, center, trailing }

public struct VStack: Leaf {
    public init(
        alignment: HorizontalAlignment = .center, spacing: CGFloat? = nil, @ViewBuilder content: () -> some View
    ) {}
}

public struct Font: Sendable {
    public static let title2 = Font()
    public static let caption = Font()
    public func monospaced() -> Font { self }
}

public struct Color: Sendable {
    public static let red = Color()
    public static let secondary = Color()
}

public enum TextAlignment: Sendable { case leading, center, trailing }

public struct TextInputAutocapitalization: Sendable {
    public static var never: TextInputAutocapitalization { TextInputAutocapitalization() }
}

public struct AccessibilityTraits: Sendable {
    public static let isHeader = AccessibilityTraits()
}

public struct AccessibilityChildBehavior: Sendable {
    public static let combine = AccessibilityChildBehavior()
}

public struct Edge {
    public struct Set: Sendable {
        public static let horizontal = Set()
    }
}

public enum Visibility: Sendable { case automatic, visible, hidden }

public struct NavigationBarItem {
    public enum TitleDisplayMode: Sendable { case automatic, inline, large }
}

extension View {
    public func font(_ font: Font?) -> some View { self }
    public func foregroundStyle(_ style: Color) -> some View { self }
    public func multilineTextAlignment(_ alignment: TextAlignment) -> some View { self }
    public func padding() -> some View { self }
    public func disabled(_ disabled: Bool) -> some View { self }
    public func id<ID: Hashable>(_ id: ID) -> some View { self }
    public func ignoresSafeArea(edges: Edge.Set) -> some View { self }
    public func tabItem(@ViewBuilder _ label: () -> some View) -> some View { self }
    public func navigationTitle(_ key: LocalizedStringKey) -> some View { self }
    public func navigationBarTitleDisplayMode(_ mode: NavigationBarItem.TitleDisplayMode) -> some View { self }
    public func task(
        @_inheritActorContext _ action: @escaping @Sendable () async -> Void
    ) -> some View { self }
    public func onAppear(perform action: (() -> Void)? = nil) -> some View { self }
    public func onDisappear(perform action: (() -> Void)? = nil) -> some View { self }
    public func onSubmit(_ action: @escaping () -> Void) -> some View { self }
    public func textContentType(_ type: UITextContentType?) -> some View { self }
    public func keyboardType(_ type: UIKeyboardType) -> some View { self }
    public func textInputAutocapitalization(_ kind: TextInputAutocapitalization?) -> some View { self }
    public func autocorrectionDisabled(_ disable: Bool = true) -> some View { self }
    public func toolbar(@ViewBuilder content: () -> some View) -> some View { self }
    public func swipeActions(@ViewBuilder content: () -> some View) -> some View { self }
    public func confirmationDialog(
        _ key: LocalizedStringKey, isPresented: Binding<Bool>, titleVisibility: Visibility = .automatic,
        @ViewBuilder actions: () -> some View, @ViewBuilder message: () -> some View
    ) -> some View { self }
    public func accessibilityLabel(_ key: LocalizedStringKey) -> some View { self }
    public func accessibilityHint(_ key: LocalizedStringKey) -> some View { self }
    @_disfavoredOverload public func accessibilityHint<S: StringProtocol>(_ hint: S) -> some View { self }
    public func accessibilityAddTraits(_ traits: AccessibilityTraits) -> some View { self }
    public func accessibilityElement(children: AccessibilityChildBehavior) -> some View { self }
}

public struct UIViewRepresentableContext<Representable> {}

@MainActor @preconcurrency
public protocol UIViewRepresentable: View where Body == Never {
    associatedtype UIViewType: UIView
    typealias Context = UIViewRepresentableContext<Self>
    @MainActor func makeUIView(context: Context) -> UIViewType
    @MainActor func updateUIView(_ view: UIViewType, context: Context)
}

extension UIViewRepresentable {
    public var body: Never { fatalError() }
}

// What Foundation has on Apple's systems alone.
public struct MeasurementFormat<UnitType: Dimension>: FormatStyle {
    public enum UnitWidth: Codable, Hashable, Sendable { case wide, abbreviated, narrow }

    public func format(_ value: Measurement<UnitType>) -> String { "" }
}

extension FormatStyle {
    public static func measurement<UnitType: Dimension>(
        width: MeasurementFormat<UnitType>.UnitWidth, numberFormatStyle: FloatingPointFormatStyle<Double>? = nil
    ) -> Self where Self == MeasurementFormat<UnitType> { MeasurementFormat() }
}

extension Measurement where UnitType: Dimension {
    public func formatted<S: FormatStyle>(_ style: S) -> S.FormatOutput where S.FormatInput == Self {
        style.format(self)
    }
}

extension URL {
    public static var applicationSupportDirectory: URL { URL(fileURLWithPath: "/") }
}
