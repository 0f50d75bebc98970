import Foundation
@_exported import FoundationNetworking
import UIKit

@MainActor
open class WKWebsiteDataStore: NSObject {
    public class func nonPersistent() -> WKWebsiteDataStore { WKWebsiteDataStore() }
}

@MainActor
open class WKWebViewConfiguration: NSObject {
    public var websiteDataStore = WKWebsiteDataStore()
}

@MainActor
open class WKWebView: UIView {
    public init(frame: CGRect, configuration: WKWebViewConfiguration) {}
    public var url: URL? { nil }
    public func load(_ request: URLRequest) {}
}
