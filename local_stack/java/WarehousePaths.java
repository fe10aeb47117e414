import java.net.URI;
import java.util.List;
import org.apache.hadoop.fs.Path;

/** Which files statements may name: those in the warehouse's own folders on its own file system. */
final class WarehousePaths {

  private static final URI FILE_SYSTEM = URI.create(System.getProperty("skytier.sql.file_system"));
  private static final List<String> FOLDERS = List.of(System.getProperty("skytier.sql.folders").split(","));

  /** Whether a text is the name of a file or folder, or an address, and not of a table or column. */
  static boolean isPath(String text) {
    return text.contains("/") || text.contains("\\") || text.matches("(?s)^\\s*\\w[\\w+.-]*:.*");
  }

  /** Refuses a path outside the warehouse. */
  static void check(String path) {
    if (!isInside(path)) {
      throw new Refusal("'" + path + "' is not in a folder of the warehouse (" + String.join(", ", FOLDERS) + ")");
    }
  }

  /** Whether a path is inside the warehouse, however it is written. */
  static boolean isInside(String path) {
    // A pattern of Hadoop's may hold alternatives, which may climb out of a folder.
    if (path.contains("..") || path.contains("{") || path.contains("\\") || path.contains("%")) {
      return false;
    }
    URI uri;
    try {
      uri = new Path(path).toUri();
    } catch (IllegalArgumentException error) {
      return false;
    }
    boolean isHere = uri.getScheme() == null
        ? uri.getAuthority() == null
        : FILE_SYSTEM.getScheme().equals(uri.getScheme()) && FILE_SYSTEM.getAuthority().equals(uri.getAuthority());
    String place = uri.getPath();
    return isHere && FOLDERS.stream().anyMatch(folder -> place.equals(folder) || place.startsWith(folder + "/"));
  }

  private WarehousePaths() {}
}
