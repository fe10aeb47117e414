import java.util.Locale;
import java.util.Set;

/** Names of what is allowed: nodes of parsed statements by role, procedures, sources of data; and functions that are not. */
final class StatementKinds {

  /** What a query is made of. */
  private static final Set<String> QUERY = Set.of(
      "Aggregate", "AsOfJoin", "CTERelationDef", "CTERelationRef", "DataFrameDropColumns", "Deduplicate", "Distinct",
      "Except", "Expand", "Filter", "Generate", "GlobalLimit", "Intersect", "Join", "LateralJoin", "Limit", "LimitAll",
      "LocalLimit", "LocalRelation", "Offset", "OneRowRelation", "Pivot", "Project", "Range", "RebalancePartitions",
      "RelationTimeTravel", "Repartition", "RepartitionByExpression", "Sample", "Sort", "Subquery", "SubqueryAlias",
      "Tail", "Union", "UnionLoop", "UnionLoopRef", "UnresolvedHaving", "UnresolvedHint", "UnresolvedInlineTable",
      "UnresolvedRelation", "UnresolvedSubqueryColumnAliases", "UnresolvedTVFAliases", "UnresolvedTableValuedFunction",
      "UnresolvedWith", "Unpivot", "View", "Window", "WithCTE", "WithWindowDefinition");

  /** Commands that show something or concern the session alone. */
  private static final Set<String> LOOK = Set.of(
      "DescribeColumn", "DescribeColumnCommand", "DescribeDatabaseCommand", "DescribeFunction",
      "DescribeFunctionCommand", "DescribeNamespace", "DescribeProcedureCommand", "DescribeQueryCommand",
      "DescribeRelation", "DescribeRelationJsonCommand", "DescribeTableCommand", "ExplainCommand", "ResetCommand",
      "SetCatalogAndNamespace", "SetCatalogCommand", "SetCommand", "SetNamespaceCommand", "ShowCatalogsCommand",
      "ShowColumns", "ShowCreateTable", "ShowCurrentNamespaceCommand", "ShowFunctions", "ShowIcebergViews",
      "ShowNamespaces", "ShowNamespacesCommand", "ShowPartitions", "ShowProceduresCommand", "ShowTableExtended",
      "ShowTablePartition", "ShowTableProperties", "ShowTables", "ShowTablesExtended", "ShowViews",
      "UnresolvedFunctionName", "UnresolvedIdentifier", "UnresolvedNamespace", "UnresolvedProcedure",
      "UnresolvedTable", "UnresolvedTableOrView", "UnresolvedView", "CurrentNamespace", "ResolvedIdentifier",
      "ResolvedNamespace");

  /** Commands that change the warehouse. */
  private static final Set<String> CHANGE = Set.of(
      "AddColumns", "AddPartitionField", "AddPartitions", "AlterColumns", "AlterViewAs", "AnalyzeColumn",
      "AnalyzeTable", "AnalyzeTables", "CacheTable", "CacheTableAsSelect", "Call", "ClearCacheCommand",
      "CommentOnNamespace", "CommentOnTable", "CreateIcebergView", "CreateNamespace", "CreateOrReplaceBranch",
      "CreateOrReplaceTag", "CreateTable", "CreateTableAsSelect", "CreateTempViewUsing", "CreateView",
      "CreateViewCommand", "DeleteFromTable", "DropBranch", "DropColumns", "DropIcebergView", "DropIdentifierFields",
      "DropNamespace", "DropPartitionField", "DropPartitions", "DropTable", "DropTag", "DropTempViewCommand",
      "DropView", "InsertIntoStatement", "MergeIntoTable", "RecoverPartitions", "RefreshTable", "RenameColumn",
      "RenamePartitions", "RenameTable", "RepairTable", "ReplaceColumns", "ReplacePartitionField", "ReplaceTable",
      "ReplaceTableAsSelect", "SetIdentifierFields", "SetNamespaceProperties", "SetTableLocation",
      "SetTableProperties", "SetViewProperties", "SetWriteDistributionAndOrdering", "TruncatePartition",
      "TruncateTable", "UncacheTable", "UnsetTableProperties", "UnsetViewProperties", "UpdateTable",
      "UnresolvedMergeIntoIcebergTable");

  /** Iceberg's procedures on a table of the warehouse; not those that take files or tables from elsewhere. */
  private static final Set<String> PROCEDURES = Set.of(
      "ancestors_of", "cherrypick_snapshot", "compute_partition_stats", "compute_table_stats", "create_changelog_view",
      "expire_snapshots", "fast_forward", "publish_changes", "remove_orphan_files", "rewrite_data_files",
      "rewrite_manifests", "rewrite_position_delete_files", "rollback_to_snapshot", "rollback_to_timestamp",
      "set_current_snapshot");

  private static final Set<String> PROVIDERS = Set.of("iceberg", "parquet", "orc", "csv", "json", "text");
  private static final Set<String> IN_ARGUMENTS = Set.of("array", "map", "timestamp", "date", "named_struct");

  /** Functions that call Java, or read a file that they are given. */
  private static final Set<String> FORBIDDEN =
      Set.of("java_method", "reflect", "try_reflect", "from_protobuf", "to_protobuf", "python_worker_logs");

  static void check(String kind, SqlUsers.Role role) {
    String name = kind.replaceFirst("[$]$", ""); // Scala's objects have it
    if (QUERY.contains(name) || LOOK.contains(name)) {
      return;
    }
    if (!CHANGE.contains(name)) {
      throw new Refusal("Nobody may use this kind of statement (" + name + ") here");
    }
    if (role != SqlUsers.Role.OPERATOR) {
      throw new Refusal("This user only reads, and the statement (" + name + ") changes something");
    }
  }

  static void checkProcedure(String name) {
    if (!PROCEDURES.contains(name.toLowerCase(Locale.ROOT))) {
      throw new Refusal("The procedure " + name + " is not among those that may be called");
    }
  }

  static void checkArgumentFunction(String name) {
    if (!IN_ARGUMENTS.contains(name.toLowerCase(Locale.ROOT))) {
      throw new Refusal("An argument of a procedure is written out, not computed by " + name);
    }
  }

  static boolean isProvider(String name) {
    return PROVIDERS.contains(name.toLowerCase(Locale.ROOT));
  }

  static void checkProvider(String name) {
    if (!isProvider(name)) {
      throw new Refusal("Data of the format or source '" + name + "' cannot be used");
    }
  }

  static void checkFunction(String called, int arguments) {
    String name = called.toLowerCase(Locale.ROOT);
    // With options they read the XSD file that an option names.
    boolean takesFile = name.equals("from_xml") && arguments > 2 || name.equals("schema_of_xml") && arguments > 1;
    if (FORBIDDEN.contains(name) || takesFile) {
      throw new Refusal("The function " + name + " runs code or reads files");
    }
  }

  private StatementKinds() {}
}
