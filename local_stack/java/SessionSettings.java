import java.util.Map;
import java.util.regex.Pattern;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.SparkSession;

/**
 * Which settings a session may change: those of how a query is computed. All others are as the server was started,
 * whatever a client names when it connects: a setting could make another class run, another file system be read, or the
 * server's environment be shown.
 */
final class SessionSettings {

  private static final Pattern FREE = Pattern.compile(
      "spark\\.sql\\.("
          + "session\\.timeZone|ansi\\.\\w+|caseSensitive|shuffle\\.partitions|broadcastTimeout|crossJoin\\.enabled"
          + "|autoBroadcastJoinThreshold|adaptive\\.[\\w.]*(enabled|InBytes|Size|Num|Threshold)|cbo\\.[\\w.]+"
          + "|statistics\\.[\\w.]+|optimizer\\.[\\w.]*nabled|join\\.preferSortMergeJoin|codegen\\.wholeStage"
          + "|files\\.(maxPartitionBytes|openCostInBytes|minPartitionNum)|datetime\\.java8API\\.enabled"
          + "|sources\\.partitionOverwriteMode|maxPlanStringLength|debug\\.maxToStringFields|iceberg\\.[\\w.-]+"
          + "|legacy\\.timeParserPolicy|storeAssignmentPolicy|mapKeyDedupPolicy|groupByOrdinal|orderByOrdinal"
          + "|hive\\.version|binaryOutputStyle|hive\\.thriftServer\\.async|thriftserver\\.scheduler\\.pool"
          + ")");

  /** Settings that every session has from the server's start, and that nothing reads from a session. */
  private static final Pattern OF_SERVER = Pattern.compile("hive\\.server2\\..*|spark\\.driver\\.extraJavaOptions");

  /** Refuses a setting that a session may not change. */
  static void checkChange(String name) {
    if (!FREE.matcher(name).matches()) {
      throw new Refusal("The setting " + name + " is the server's, and a session cannot change it");
    }
  }

  /** Refuses a session that differs from the server in such a setting. */
  static void check(SparkSession session) {
    SparkConf known = session.sparkContext().conf();
    Map<String, String> settings = session.sessionState().conf().settings();
    synchronized (settings) {
      for (Map.Entry<String, String> entry : settings.entrySet()) {
        if (!entry.getValue().equals(known.get(entry.getKey(), null)) && !OF_SERVER.matcher(entry.getKey()).matches()) {
          checkChange(entry.getKey());
        }
      }
    }
  }

  private SessionSettings() {}
}
