import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;

/**
 * Writes the class R of an Android module's resources as Kotlin, for builds without Android's own tools:
 * the names are what the code is checked by, the numbers mean nothing.
 *
 * Arguments: the package, the folder of resources, and where to write. Each name that XML files refer to has
 * to be defined; what they refer to in the platform (`@android:...`) is not looked at.
 */
public final class ResourceIds {
    private static final Pattern REFERENCE = Pattern.compile("@(\\+?)(?:([\\w.]+):)?(\\w+)/([\\w.]+)");

    private final Map<String, TreeSet<String>> defined = new TreeMap<>();
    private final TreeSet<String> wanted = new TreeSet<>();

    public static void main(String[] args) throws Exception {
        var ids = new ResourceIds();
        ids.read(Path.of(args[1]));
        ids.check();
        ids.write(args[0], Path.of(args[2]));
    }

    private void read(Path resources) throws Exception {
        try (var files = Files.walk(resources)) {
            for (var file : (Iterable<Path>) files.filter(Files::isRegularFile).sorted()::iterator) {
                var folder = file.getParent().getFileName().toString().replaceFirst("-.*", "");
                var name = file.getFileName().toString();
                if (!folder.equals("values")) define(folder, name.replaceFirst("\\..*", ""));
                if (name.endsWith(".xml")) read(parse(file), folder.equals("values"), file);
            }
        }
    }

    private static Document parse(Path file) throws Exception {
        var factory = DocumentBuilderFactory.newInstance();
        factory.setNamespaceAware(true);
        var builder = factory.newDocumentBuilder();
        builder.setErrorHandler(null);
        try {
            return builder.parse(file.toFile());
        } catch (org.xml.sax.SAXException e) {
            throw new IOException(file + ": " + e.getMessage());
        }
    }

    private void read(Document document, boolean values, Path file) throws IOException {
        var elements = document.getElementsByTagName("*");
        for (int i = 0; i < elements.getLength(); i++) {
            var element = (Element) elements.item(i);
            if (values && element.getParentNode() == document.getDocumentElement()) defineValue(element, file);
            var attributes = element.getAttributes();
            for (int k = 0; k < attributes.getLength(); k++) refer(attributes.item(k).getNodeValue(), file);
            if (hasTextAlone(element)) refer(element.getTextContent().trim(), file);
        }
    }

    private void defineValue(Element element, Path file) throws IOException {
        var name = element.getAttribute("name");
        if (name.isEmpty()) throw new IOException(file + ": a <" + element.getTagName() + "> without a name");
        var type = element.getTagName().equals("item") ? element.getAttribute("type") : element.getTagName();
        if (type.equals("string-array") || type.equals("integer-array")) type = "array";
        define(type, name);
        var parent = element.getAttribute("parent");
        if (type.equals("style") && !parent.isEmpty() && !parent.startsWith("@")) refer("@style/" + parent, file);
    }

    private static boolean hasTextAlone(Element element) {
        NodeList children = element.getChildNodes();
        for (int i = 0; i < children.getLength(); i++) {
            if (children.item(i).getNodeType() == Node.ELEMENT_NODE) return false;
        }
        return children.getLength() > 0;
    }

    private void define(String type, String name) {
        defined.computeIfAbsent(type, t -> new TreeSet<>()).add(name.replace('.', '_'));
    }

    private void refer(String text, Path file) {
        var reference = REFERENCE.matcher(text);
        if (!reference.matches() || reference.group(2) != null) return;
        if (!reference.group(1).isEmpty()) define(reference.group(3), reference.group(4));
        else if (!reference.group(4).startsWith("android:")) {
            wanted.add(reference.group(3) + "/" + reference.group(4).replace('.', '_') + " in " + file);
        }
    }

    private void check() throws IOException {
        for (var reference : wanted) {
            var name = reference.replaceFirst(" in .*", "").split("/");
            if (!defined.getOrDefault(name[0], new TreeSet<>()).contains(name[1])) {
                throw new IOException("nothing defines @" + reference);
            }
        }
    }

    private void write(String name, Path folder) throws IOException {
        var code = new StringBuilder("package " + name + "\n\ninternal object R {\n");
        int type = 0;
        for (var entry : defined.entrySet()) {
            code.append("    object `").append(entry.getKey()).append("` {\n");
            int id = 0x7f000000 + (++type << 16);
            for (var resource : entry.getValue()) {
                code.append("        const val ").append(resource).append(": Int = ").append(id++).append('\n');
            }
            code.append("    }\n");
        }
        Files.createDirectories(folder);
        Files.writeString(folder.resolve("R.kt"), code.append("}\n"));
    }
}
