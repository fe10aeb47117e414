import java.util.Locale;
import java.util.Set;
import scala.Product;
import scala.jdk.javaapi.CollectionConverters;

/** The view of the hot tier, which the stack makes at its start: the one place where a statement names a server. */
final class HotView {

  private static final Set<String> OPTIONS = Set.of("connection.uri", "database", "collection", "partitioner");

  /** Refuses a view of another source, or of another server than the stack's. */
  static void check(Product view) {
    boolean isKnown = false;
    for (int index = 0; index < view.productArity(); index++) {
      Object part = view.productElement(index);
      if (part instanceof scala.collection.immutable.Map<?, ?> options) {
        isKnown = isKnown(options);
      } else if (view.productElementName(index).equals("provider") && !part.equals("mongodb")) {
        throw new Refusal("Temporary views of files or other servers cannot be made");
      }
    }
    if (!isKnown) {
      throw new Refusal("A view of MongoDB is of the stack's own server");
    }
  }

  private static boolean isKnown(scala.collection.immutable.Map<?, ?> options) {
    boolean isOurs = false;
    for (var entry : CollectionConverters.asJava(options).entrySet()) {
      String name = String.valueOf(entry.getKey()).toLowerCase(Locale.ROOT);
      if (!OPTIONS.contains(name)) {
        return false;
      }
      if (name.equals("connection.uri")) {
        isOurs = SqlUsers.isHotTier(String.valueOf(entry.getValue()));
      }
    }
    return isOurs;
  }

  private HotView() {}
}
